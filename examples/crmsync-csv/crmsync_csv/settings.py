"""What has to be configured."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class CsvSettings(BaseModel):
    """A folder with people.csv and companies.csv; a relative path starts at the settings file."""

    folder: Path
    page_size: int = Field(default=500, ge=1)
