"""The rows of one page against what is stored: insert the new, write what differs, journal it, renew versions.

A plain function on the database's thread, because binding rows is what a load costs: one executemany a kind of
statement, never a statement a row.
"""

from crmsync.store.rows.comparing import apply_rows
from crmsync.store.rows.work import JOURNAL

__all__ = ["JOURNAL", "apply_rows"]
