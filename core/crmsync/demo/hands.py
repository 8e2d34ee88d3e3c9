"""What any program with SQL does to the demo's database: the standard library's sqlite3, nothing of crmsync."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from crmsync.entities import COMPANY_OF_ACCOUNT


class Hands:
    """Somebody at the database."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; its rows."""
        with closing(sqlite3.connect(self.database)) as con, con:
            return con.execute(statement, values).fetchall()

    def edit(self, crm_id: str, column: str, value: str) -> str:
        """Write a column of a person; the statement, as it may be shown."""
        self.sql(f"UPDATE person SET {column} = ? WHERE crm_id = ?", value, crm_id)
        return f"UPDATE person SET {column} = '{value}' WHERE crm_id = '{crm_id}'"

    def person(self, crm_id: str, column: str = "id") -> Any:
        """A column of the person that an id leads to."""
        sql = f"SELECT p.{column} FROM crmsync_link l JOIN person p ON p.id = l.row_id WHERE l.crm_id = ?"
        return self.sql(sql, crm_id)[0][0]

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.sql(f'SELECT COUNT(*) FROM "{table}"')[0][0])


class Account(Hands):
    """An account as any program with SQL sees it."""

    def __init__(self, database: Path, crm_id: str) -> None:
        super().__init__(database)
        self.crm_id = crm_id
        present = {row[1] for row in self.sql("PRAGMA table_info(account)")}
        # The story's own update is in another column, and the demo's value is a text.
        self.column = next(name for name in ("industry", "website", "name") if name in present)

    def write(self, value: str) -> None:
        """Write a column of it."""
        self.sql(f"UPDATE account SET {self.column} = ? WHERE crm_id = ?", value, self.crm_id)

    def value(self) -> Any:
        """What the column holds."""
        return self.sql(f"SELECT {self.column} FROM account WHERE crm_id = ?", self.crm_id)[0][0]

    def showing(self, value: str) -> int:
        """Contacts of it that show this value."""
        shown = next(mine for mine, theirs in COMPANY_OF_ACCOUNT.items() if theirs == self.column)
        sql = f"SELECT COUNT(*) FROM person_full WHERE account_crm_id = ? AND {shown} = ?"
        return int(self.sql(sql, self.crm_id, value)[0][0])

    def logged(self, crm_id: str) -> int:
        """Activities that changes of an account left on persons."""
        return int(self.sql("SELECT COUNT(*) FROM activity WHERE crm_id = ?", crm_id)[0][0])
