"""Definitions as the vendor sends them: of tables, columns, choices and relations."""

from __future__ import annotations

import msgspec


class _Text(msgspec.Struct):
    Label: str | None = None
    LanguageCode: int | None = None


class Label(msgspec.Struct):
    """A text in several languages."""

    UserLocalizedLabel: _Text | None = None
    LocalizedLabels: list[_Text] | None = None

    def __str__(self) -> str:
        """The text in the caller's language, else in the first that has one."""
        for one in (self.UserLocalizedLabel, *(self.LocalizedLabels or ())):
            if one is not None and one.Label:
                return str(one.Label)
        return ""


class _Value(msgspec.Struct):
    Value: str | None = None


class _Option(msgspec.Struct):
    Value: int
    Label: Label | None = None
    State: int | None = None


class _Set(msgspec.Struct):
    Options: list[_Option] | None = None


class Entity(msgspec.Struct):
    """A table's own facts."""

    LogicalName: str
    EntitySetName: str | None = None
    PrimaryIdAttribute: str | None = None
    SchemaName: str | None = None
    DisplayName: Label | None = None
    IsCustomEntity: bool = False
    IsActivity: bool = False
    IsIntersect: bool = False
    OwnershipType: str | None = None
    ChangeTrackingEnabled: bool | None = None
    IsOptimisticConcurrencyEnabled: bool | None = None


class Attribute(msgspec.Struct):
    """What all columns tell of themselves."""

    LogicalName: str
    AttributeType: str | None = None
    AttributeTypeName: _Value | None = None
    AttributeOf: str | None = None
    IsValidForRead: bool | None = True
    IsValidForCreate: bool | None = False
    IsValidForUpdate: bool | None = False
    IsSecured: bool | None = False
    RequiredLevel: _Value | None = None
    IsPrimaryId: bool | None = False
    IsCustomAttribute: bool | None = False
    IsValidODataAttribute: bool | None = None
    SourceType: int | None = None
    DisplayName: Label | None = None

    @property
    def kind(self) -> str:
        """The type; of virtual ones the name of the type tells more."""
        named = self.AttributeTypeName.Value if self.AttributeTypeName is not None else None
        return (named or "").removesuffix("Type") if self.AttributeType == "Virtual" else str(self.AttributeType or "")


class Special(msgspec.Struct):
    """What only the types' own definitions tell."""

    LogicalName: str
    MaxLength: int | None = None
    Precision: int | None = None
    Targets: list[str] | None = None
    DateTimeBehavior: _Value | None = None
    OptionSet: _Set | None = None
    GlobalOptionSet: _Set | None = None

    def options(self) -> list[tuple[int, str]]:
        """Numbers and labels."""
        return [(option.Value, str(option.Label or "")) for option in self._offered()]

    def states(self) -> dict[int, int]:
        """The state that each reason belongs to, where they are reasons for states."""
        return {option.Value: option.State for option in self._offered() if option.State is not None}

    def _offered(self) -> list[_Option]:
        """The options of whichever set is filled."""
        return next((one.Options for one in (self.OptionSet, self.GlobalOptionSet) if one and one.Options), [])


class Lookup(msgspec.Struct):
    """A relation of a table to another one."""

    ReferencingAttribute: str
    ReferencedEntity: str
    ReferencingEntityNavigationPropertyName: str | None = None
