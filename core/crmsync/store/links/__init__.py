"""Ids and the rows they stand for, until they stop to: deleted, merged into another, or converted.

Each function may be repeated, and in any order: an id that was merged or converted keeps its link for ever and
never inserts, overwrites, flags or deletes again.
"""

from crmsync.store.links.absorbing import absorb, absorb_loser
from crmsync.store.links.changing import edited, identify
from crmsync.store.links.ended import apply_gone
from crmsync.store.links.joined import apply_merged
from crmsync.store.links.linked import link, living, row_values, tie, unlinked

__all__ = [
    "absorb",
    "absorb_loser",
    "apply_gone",
    "apply_merged",
    "edited",
    "identify",
    "link",
    "living",
    "row_values",
    "tie",
    "unlinked",
]
