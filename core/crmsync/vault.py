"""Secrets that a connector renews while it runs, in a file beside the database that only its owner may read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path


class Vault(MutableMapping[str, str]):
    """A mapping that is written to its file, whole and at once, with every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._values[key] = value
        self._save()

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._save()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Vault({str(self._path)!r}, {sorted(self._values)})"

    def _save(self) -> None:
        new = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._values, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
