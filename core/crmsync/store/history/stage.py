"""What an attempt at planned changes works with: the changes by record, and what the CRM says of these records now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from crmsync.entities import ENGINE_COLUMNS, IDENTITY
from crmsync.model import Gone, Kind, Merged, Page, Route, Row
from crmsync.store.batch import Batch
from crmsync.store.history.planned import Item

Key = tuple[str, str]  # object and id


class Refused(Struct, frozen=True):
    """One planned change that was not made: why, and what either side has now."""

    item: Item
    why: str
    here: Any = None
    crm: Any = None

    def told(self) -> dict[str, Any]:
        """For a listing, with both ids."""
        one = self.item
        return {
            "side": one.side, "operation": one.operation, "object": one.object, "crm_id": one.crm_id,
            "entity": one.entity, "row_id": one.row_id, "field": one.field, "old": one.old, "new": one.new,
            "here": self.here, "crm": self.crm, "why": self.why,
        }  # fmt: skip


class Group(Struct):
    """Planned changes that are made together or not at all: of one record, or of those that were joined."""

    items: list[Item]
    done: bool = False
    refused: list[Refused] = field(default_factory=list)

    @property
    def keys(self) -> set[Key]:
        """The records that it is about."""
        return {(one.object, str(one.crm_id)) for one in self.items}

    @property
    def plain(self) -> bool:
        """Whether it changes single values only, each of which stands for itself."""
        return all(one.operation == "update" and one.field not in (*ENGINE_COLUMNS, "*") for one in self.items)


class Seen(Struct):
    """What the CRM says of some records now."""

    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[Key, Row] = field(default_factory=dict)
    gone: dict[Key, Gone] = field(default_factory=dict)
    merged: dict[Key, Merged] = field(default_factory=dict)

    def value(self, key: Key, name: str) -> Any:
        """One value of a record; None where there is none."""
        row = self.rows.get(key)
        return row[self.columns[key[0]].index(name)] if row is not None and name in self.columns[key[0]] else None

    def chained(self, keys: Iterable[Key]) -> set[Key]:
        """The records, and those that they live on as, one after the other."""
        found, left = set(keys), list(keys)
        while left:
            one = self.merged.get(left.pop())
            if one is not None and (key := (one.into_object, one.into)) not in found:
                found.add(key)
                left.append(key)
        return found

    def word(self, key: Key) -> str:
        """What became of a record, in a word."""
        if key in self.merged:
            return f"{self.merged[key].reason} into {self.merged[key].into}"
        return "present" if key in self.rows else "deleted" if key in self.gone else "not visible"


class Stage(Struct, frozen=True, kw_only=True):
    """What all attempts of a run share. Of objects in `loading` new records leave no activities, as in a first load."""

    routes: Mapping[str, Route]
    roles: Mapping[str, str]
    seen: Seen
    run: int
    at: str
    loading: frozenset[str] = frozenset()

    @property
    def ordered(self) -> list[Route]:
        """The routes as a cycle takes them."""
        return sorted(self.routes.values(), key=lambda route: (route.order, route.object))

    def batch(self, route: Route, page: Page, *, partial: bool = False) -> Batch:
        """A page of what was seen."""
        kind = Kind.LOAD if route.object in self.loading else Kind.IDS
        return Batch(route=route, page=page, kind=kind, run=self.run, at=self.at, partial=partial)


def page_of(seen: Seen, route: Route, ids: Iterable[str], only: Sequence[str] = ()) -> Page:
    """What was seen of some records, of these columns alone where some are named, as a read would bring it."""
    columns = seen.columns[route.object]
    at = [index for index, name in enumerate(columns) if not only or name in only or name in IDENTITY]
    rows = [tuple(seen.rows[route.object, one][index] for index in at) for one in ids]
    return Page(columns=tuple(columns[index] for index in at), rows=rows)
