"""The toy connector keeps every promise of a connector."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from crmsync.testing import ConnectorContract, Source

HEADER = ["Id", "ModifiedAt", "Deleted", "FirstName", "Email", "CompanyId", "Score:integer", "Born:date", "Tags:multi"]


@dataclass
class Editor:
    """Somebody who edits people.csv with a program of their own."""

    folder: Path
    object: str = "Person"
    edits: int = 0

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "people.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def save(self, rows: list[dict[str, str]]) -> None:
        with (self.folder / "people.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, HEADER)
            writer.writeheader()
            writer.writerows(rows)

    def now(self) -> str:
        self.edits += 1
        return f"2026-02-01T00:{self.edits // 60:02d}:{self.edits % 60:02d}Z"

    def create(self) -> str:
        rows = self.rows()
        rows.append({"Id": f"P{len(rows):03d}", "ModifiedAt": self.now(), "FirstName": "New"})
        self.save(rows)
        return rows[-1]["Id"]

    def edit(self, crm_id: str, **values: str) -> None:
        rows = self.rows()
        for row in rows:
            if row["Id"] == crm_id:
                row |= {"ModifiedAt": self.now(), **values}
        self.save(rows)

    def update(self, crm_id: str) -> None:
        self.edit(crm_id, FirstName=f"Edited {self.edits}")

    def delete(self, crm_id: str) -> None:
        self.edit(crm_id, Deleted="true")

    def read(self, crm_id: str) -> dict[str, str] | None:
        found = [row for row in self.rows() if row["Id"] == crm_id and row["Deleted"] != "true"]
        return {name.partition(":")[0]: text for name, text in found[0].items()} if found else None


STAMP = "2026-01-31T10:00:00+02:00"


def fill(folder: Path) -> Editor:
    editor = Editor(folder)
    same = {"ModifiedAt": STAMP, "Tags:multi": "b;a"}
    editor.save([{**same, "Id": f"P{i:03d}", "FirstName": f"Ann\n{i}", "Score:integer": str(i)} for i in range(25)])
    (folder / "companies.csv").write_text(f"Id,ModifiedAt,Name\nC1,{STAMP},Acme\n")
    return editor


@asynccontextmanager
async def folder() -> AsyncIterator[Source]:
    with TemporaryDirectory() as path:
        wrong = {"folder": f"{path}/nowhere"}
        yield Source(
            settings={"folder": path, "page_size": 5}, truth=fill(Path(path)), wrong=wrong, refused={"Score": "many"}
        )


class TestCsv(ConnectorContract):
    connector = "csv"

    def source(self) -> AbstractAsyncContextManager[Source]:
        return folder()
