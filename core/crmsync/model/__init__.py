"""The values that cross the boundary between engine, plugins and store. Frozen, and free of any CRM's dialect.

Canonical values, the same whether they come from the CRM, the database or a person:

    text       str, never empty (an empty text is None), no NUL characters
    integer    int
    decimal    int, or float where 15 significant digits are enough to hold it, else its plain decimal text
    boolean    bool (0 and 1 in the database)
    date       "2026-01-31"
    datetime   "2026-01-31T08:15:00.000Z", always UTC
    time       "08:15:00.000"
    multi      chosen values sorted and joined with ";"
    reference  the CRM's id, normalised once by the connector
"""

from crmsync.model.canonical import Row, Type, Value
from crmsync.model.reading import Alike, Cursor, Gone, Kind, Merged, Page, Query, Sent, Skipped
from crmsync.model.routes import BOTH_WAYS, PULL_ONLY, Direction, FieldMap, Route, Winner
from crmsync.model.telling import Counts, Event, Finding, Identity, Level, Usage
from crmsync.model.visible import Condition, Field, Fields, Scope

__all__ = [
    "BOTH_WAYS",
    "PULL_ONLY",
    "Alike",
    "Condition",
    "Counts",
    "Cursor",
    "Direction",
    "Event",
    "Field",
    "FieldMap",
    "Fields",
    "Finding",
    "Gone",
    "Identity",
    "Kind",
    "Level",
    "Merged",
    "Page",
    "Query",
    "Route",
    "Row",
    "Scope",
    "Sent",
    "Skipped",
    "Type",
    "Usage",
    "Value",
    "Winner",
]
