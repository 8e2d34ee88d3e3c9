"""How much a record agrees with what a create sent: the same, like it, or another; and how to ask for those like it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct

from crmsync.model import Alike, Field, Sent, Type, Value
from crmsync_salesforce.describe import Known
from crmsync_salesforce.query import literal, name, whole_id

_SECONDS = 19
_LONGEST, _LONGEST_ASKED = 255, 80
_MAY_CHANGE = frozenset({"picklist", "multipicklist"})
"""Types of values that rules of the org like to set on the way in; they tell no record from another anyway."""
_COMPARED = frozenset({Type.TEXT, Type.INTEGER, Type.DATE, Type.DATETIME, Type.REFERENCE})
_STRONG = (
    ("LastName", "Company"), ("LastName", "AccountId"), ("Name",), ("WhoId", "Subject"), ("WhoId", "ActivityDate"),
)  # fmt: skip
"""What tells records apart where no e-mail address was sent, and first names do not differ."""
_TELLING = ("WhoId", "LastName", "Name", "Subject", "FirstName", "Phone", "MobilePhone")
_SHARED = ("Company", "City", "State", "PostalCode", "Country")
"""Fields whose values few records share, best first, and those whose values many do."""


class Likeness(Struct, frozen=True):
    """The values of a create that tell one record from another. With `ours` only our own records are compared."""

    fields: Mapping[str, Field]
    values: Mapping[str, Value]
    ours: bool = False

    @classmethod
    def of(cls, known: Known, wanted: Sent, *, ours: bool) -> Likeness:
        """Texts, dates, whole numbers and references; no owner, picklist or flag, which the org's own rules set."""
        sent = {**wanted.values, **({"WhoId": wanted.person} if wanted.person else {})}
        telling = {key: value for key, value in sent.items() if _tells(known, key, value)}
        return cls({key: known.fields[key] for key in telling}, telling, ours)

    @property
    def slack(self) -> int:
        """How many values may differ: one, or fewer than half. Of one value none, where anybody may have made it."""
        return max(int(self.ours or len(self.values) > 1), (len(self.values) - 1) // 2)

    def compare(self, crm_id: str, held: Mapping[str, Value]) -> Alike | None:
        """What differs in a record, nothing where it is the same; None for one that is another."""
        differ = [key for key, value in self.values.items() if self._plain(key, held[key]) != self._plain(key, value)]
        agrees = self.ours and self._agrees(differ)
        if len(differ) > self.slack and not agrees:
            return None
        # A flow that runs as our user may make other records of one address: with most of it other, nothing is certain.
        strong = not differ or (agrees and 2 * len(differ) <= len(self.values))
        return Alike(crm_id, f"other {', '.join(differ)}" if differ else "", strong)

    def _plain(self, key: str, value: Value) -> Value:
        """A value without what saving alone may change: case, blanks, fractions of seconds, the length of an id."""
        if not isinstance(value, str):
            return value
        kind = self.fields[key].type
        if kind is Type.REFERENCE:
            return whole_id(value)
        if kind is Type.DATETIME:
            return value[:_SECONDS]
        return " ".join(unicodedata.normalize("NFKC", value).split()).casefold()

    def _agrees(self, differ: Sequence[str]) -> bool:
        addresses = [key for key, field in self.fields.items() if field.native == "email"]
        if addresses:
            return not set(addresses) <= set(differ)
        agree = self.values.keys() - differ
        return "FirstName" not in differ and any(agree.issuperset(names) for names in _STRONG)

    def tests(self) -> tuple[str, ...]:
        """Conditions that every record that is the same or like it meets: of so many values one at least agrees."""
        if len(self.values) <= self.slack:
            return ()
        asked = [key for key in sorted(self.values, key=self._rank) if self._short(self.values[key])]
        found = [self._test(key) for key in asked[: self.slack + 1]]
        return (f"({' OR '.join(found)})",) if found else ()

    def _rank(self, key: str) -> int:
        if self.fields[key].native == "email":
            return -1
        return _TELLING.index(key) if key in _TELLING else len(_TELLING) + (key in _SHARED)

    def _test(self, key: str) -> str:
        return f"{name(key)} = {literal(self._stored(key), self.fields[key].type)}"

    @staticmethod
    def _short(value: Value) -> bool:
        return not isinstance(value, str) or (len(value) <= _LONGEST_ASKED and "\n" not in value)

    def _stored(self, key: str) -> Value:
        """A value as the org keeps it: texts trimmed, moments in whole seconds."""
        value = self.values[key]
        if self.fields[key].type is Type.DATETIME:
            return f"{str(value)[:_SECONDS]}.000Z"
        return value.strip() if isinstance(value, str) else value


def _tells(known: Known, key: str, value: Value) -> bool:
    field = known.fields.get(key)
    if field is None or key not in known.filterable or key == "OwnerId" or field.native in _MAY_CHANGE:
        return False
    return field.type in _COMPARED and value is not None and 0 < len(str(value).strip()) <= _LONGEST
