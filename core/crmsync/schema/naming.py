"""Give every selected field of an object its column, by the default mapping, the settings, and the first sync."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from msgspec import Struct, field

from crmsync.columns import column_of, holds, suffixed, why_not
from crmsync.entities import IDENTITY, entity_of
from crmsync.errors import SettingsError
from crmsync.model import Direction, Field, FieldMap, Fields, Finding, Level, Route, Type
from crmsync.settings import FieldSettings

SOURCES = {"crm": Direction.PULL, "marketing": Direction.PUSH}
"""The sides from which a value may come, as `fields.block` names them, and the way it then moves (R-240, R-241)."""


def is_pattern(name: str) -> bool:
    """Whether a name in the settings stands for many."""
    return any(sign in name for sign in "*?[")


def named_fields(choice: FieldSettings) -> Iterator[tuple[str, str]]:
    """Every single field that the settings name, with the key that names it. Raises SettingsError if it is none."""
    keys = {
        "include": choice.include,
        "exclude": choice.exclude,
        "rename": list(choice.rename),
        "join": [name for group in choice.join for name in group],
        "split": choice.split,
        "winner": list(choice.winner),
        "block": list(choice.block),
    }
    for key, names in keys.items():
        for name in names:
            if key in ("include", "exclude") and is_pattern(name):
                continue
            if not all(name.partition(".")):
                raise SettingsError(f'fields.{key} has {name!r}, but "Object.Field" is expected.')
            yield key, name


def goes_out(route: Route, one: Field, column: str) -> bool:
    """Whether the rules let values of a field go to the CRM, if these credentials may write it."""
    chosen = one.custom or (not route.custom_fields and one.type is not Type.REFERENCE)
    may = column in route.two_way or (chosen and one.name not in route.fields)
    return may and not one.calculated and column not in IDENTITY


class Naming(Struct):
    """The naming of one object's fields: what is taken already, and what a person should know."""

    route: Route
    fields: Fields
    choice: FieldSettings
    known: Mapping[str, str]
    others: Sequence[Route]
    findings: list[Finding] = field(default_factory=list)
    _taken: dict[str, str] = field(default_factory=dict)

    def maps(self, names: Sequence[str], allowed: frozenset[Direction]) -> tuple[FieldMap, ...]:
        """The fields with their columns, the record's identity first. Raises SettingsError."""
        self._check_names()
        self._check_joins()
        found = []
        for name in names:
            column = self._column(name)
            if column is not None and column not in self._taken:
                self._taken[column] = name
                found.append(self._map(name, column, allowed))
        self._tell_idle(found)
        front = {column: at for at, column in enumerate(IDENTITY)}
        return tuple(sorted(found, key=lambda one: front.get(one.column, len(front))))

    def _map(self, name: str, column: str, allowed: frozenset[Direction]) -> FieldMap:
        one, full = self.fields[name], self._full(name)
        if column in IDENTITY and (full in self.choice.winner or full in self.choice.block):
            raise SettingsError(f"{full} is the record's {column}, which has neither a winner nor a block.")
        blocked = frozenset(SOURCES[source] for source in self.choice.block.get(full, ()))
        ways = self._ways(one, column, allowed)
        return FieldMap(field=one, column=column, directions=ways, winner=self.choice.winner.get(full), blocked=blocked)

    def _tell_idle(self, found: Sequence[FieldMap]) -> None:
        """Warn of winners and blocks that change nothing: the field is not synced, or moves one way."""
        ways = {self._full(one.field.name): one.directions for one in found}
        named = [("winner", full, Direction.PUSH) for full in self.choice.winner]
        named += [("block", full, SOURCES[side]) for full, sides in self.choice.block.items() for side in sides]
        for key, full, way in named:
            if full.partition(".")[0] != self.route.object or full.partition(".")[2] not in self.fields:
                continue
            if full not in ways:
                self._warn(f"fields.{key} names {full}, which is not synced; fields.include adds it.")
            elif way not in ways[full]:
                self._warn(f"fields.{key} names {full}, which only moves from the CRM to here: it changes nothing.")

    def _ways(self, one: Field, column: str, allowed: frozenset[Direction]) -> frozenset[Direction]:
        if goes_out(self.route, one, column) and one.updateable:
            return allowed
        return allowed & {Direction.PULL}

    def _column(self, name: str) -> str | None:
        default, asked = self.route.fields.get(name), self._asked(name)
        if default in IDENTITY and asked is not None:
            raise SettingsError(f"{self._full(name)} is the record's {default} and has no other column.")
        if name in self.known:
            return self._kept(name, asked)
        if asked is not None:
            return self._checked(name, asked)
        if default is not None:
            return self._by_default(name, default)
        return self._free(name)

    def _asked(self, name: str) -> str | None:
        """The column that the settings give the field, where they do."""
        full = self._full(name)
        if full in self.choice.split:
            return self.choice.rename.get(full) or suffixed(column_of(name), self._suffix)
        for group in self.choice.join:
            if full in group:
                return self._joined(group)
        return self.choice.rename.get(full)

    def _joined(self, group: Sequence[str]) -> str:
        """The column of a joined group: the one of a rename, of a member that has one, of the first member's name."""
        renamed = [self.choice.rename[one] for one in group if one in self.choice.rename]
        placed = {f"{one.object}.{m.field.name}": m.column for one in self.others for m in one.maps}
        placed |= {
            f"{one.object}.{name}": its for one in (*self.others, self.route) for name, its in one.fields.items()
        }
        held = [placed[one] for one in group if one in placed]
        return next(iter([*renamed, *held]), column_of(group[0].partition(".")[2]))

    def _kept(self, name: str, asked: str | None) -> str | None:
        column, kind = self.known[name], self.fields[name].type
        if asked not in (None, column):
            raise SettingsError(
                f"{self._full(name)} fills the column {column!r} since the first sync and cannot move to {asked!r}"
                " (R-022).",
                hint="Take the change of fields.rename, join or split back, or begin with a new database.",
            )
        other = next((one for _, one in self._held(column) if not holds(one.field.type, kind)), None)
        if other is None:
            return self._by_default(name, column)
        self._warn(
            f"{self._full(name)} is of type {kind} now and shares the column {column!r} with {other.field.name} of type"
            f" {other.field.type}: it is not synced any more, and its values are kept."
        )
        return None

    def _checked(self, name: str, column: str) -> str:
        """A column that the settings ask for. Raises SettingsError if it cannot be had."""
        reason = why_not(column) or self._taken_by(name, column)
        if not reason:
            kind = self.fields[name].type
            others = [(f"{obj}.{one.field.name}", one.field.type) for obj, one in self._held(column)]
            others += [("the column", self._neutral[column])] if column in self._neutral else []
            reason = next(
                (f"{who} is of type {what}, this field {kind}" for who, what in others if not holds(what, kind)), ""
            )
        if reason:
            raise SettingsError(f"The settings put {self._full(name)} into the column {column!r}: {reason}.")
        return column

    def _by_default(self, name: str, column: str) -> str | None:
        wanted, kind = self._neutral.get(column), self.fields[name].type
        if column in IDENTITY or wanted is None or holds(wanted, kind) or _as_text(wanted, kind):
            return column
        self._warn(f"{self._full(name)} is of type {kind}, but the column {column!r} holds {wanted}: it is not synced.")
        return None

    def _free(self, name: str) -> str:
        """The column of the field's own name; one with a suffix where that is something else already."""
        column = column_of(name)
        reason = why_not(column) or self._taken_by(name, column) or self._stranger(name, column)
        if not reason:
            return column
        apart, number = suffixed(column, self._suffix), 1
        while why_not(apart) or self._taken_by(name, apart) or self._stranger(name, apart):
            number += 1
            apart = suffixed(column, f"{self._suffix}_{number}")
        self._warn(f"{self._full(name)} fills the column {apart!r}, not {column!r}: {reason}.")
        return apart

    def _stranger(self, name: str, column: str) -> str:
        """Why a column of the same table cannot be shared: only one name and one type make a pair."""
        kind = self.fields[name].type
        for obj, one in self._held(column):
            if one.field.name.lower() != name.lower():
                return f"{obj}.{one.field.name} fills that"
            if one.field.type is not kind:
                return f"{obj}.{one.field.name} is of type {one.field.type}, this field {kind}"
        wanted = self._neutral.get(column)
        return f"that holds {wanted}, this field {kind}" if wanted is not None and not holds(wanted, kind) else ""

    def _taken_by(self, name: str, column: str) -> str:
        """Why a column of this object cannot be had: another field of it fills it, or did."""
        other = self._taken.get(column) or next((one for one, its in self.known.items() if its == column), name)
        return f"{self._full(other)} fills that" if other != name else ""

    def _held(self, column: str) -> Iterator[tuple[str, FieldMap]]:
        for route in self.others:
            if route.entity == self.route.entity and route.object != self.route.object:
                yield from ((route.object, one) for one in route.maps if one.column == column)

    @property
    def _neutral(self) -> Mapping[str, Type]:
        return entity_of(self.route.entity).columns

    @property
    def _suffix(self) -> str:
        return self.route.role or self.route.object

    def _full(self, name: str) -> str:
        return f"{self.route.object}.{name}"

    def _warn(self, message: str) -> None:
        self.findings.append(Finding(level=Level.WARN, topic=self.route.object, message=message))

    def _check_names(self) -> None:
        """Raise SettingsError for a field that never was; one that was synced and is lost only warns."""
        required = {name for name, column in self.route.fields.items() if column in IDENTITY} | set(self.route.required)
        for key, full in named_fields(self.choice):
            obj, _, name = full.partition(".")
            if obj != self.route.object:
                continue
            if name not in self.fields and (name in self.known or (key == "exclude" and self.known)):
                self._warn(f"fields.{key} names {full}, which these credentials do not see any more.")
            elif name not in self.fields:
                near = get_close_matches(name, list(self.fields), n=2)
                hint = f"Did you mean {' or '.join(near)}?" if near else "`crmsync fields` lists what is visible."
                raise SettingsError(f"fields.{key} names {full!r}, which these credentials do not see.", hint=hint)
            elif key == "exclude" and name in required:
                raise SettingsError(f"fields.exclude names {full!r}, without which {obj} cannot be synced.")

    def _check_joins(self) -> None:
        for group in self.choice.join:
            objects = [name.partition(".")[0] for name in group]
            if self.route.object not in objects:
                continue
            if len(set(objects)) != len(objects) or len(objects) < 2:  # noqa: PLR2004 - a pair is two
                raise SettingsError(
                    f"fields.join joins {' and '.join(group)}; one field each of several objects is expected."
                )
            for other in self.others:
                if other.object in objects and other.entity != self.route.entity:
                    raise SettingsError(
                        f"fields.join joins {' and '.join(group)}, but {other.object} fills the table {other.entity}"
                        f" and {self.route.object} the table {self.route.entity}."
                    )


def _as_text(column: Type, kind: Type) -> bool:
    return column is Type.TEXT and kind in (Type.DATE, Type.DATETIME, Type.TIME)
