"""What a report is made of, before it is Markdown or HTML: plain text only, each renderer escapes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mark = Literal["", "ok", "W", "C", "?"]
"""How a row is marked: nothing to say, on target, a warning, bad, unknown. The word stands in the row as well."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    cells: tuple[str, ...]
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their columns; ``empty`` is said where there is none."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter: a sentence that sums it up, then its tables."""

    id: str
    title: str
    lead: str
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Headline:
    """What a reader has to know before anything else."""

    verdict: str
    why: str
    clears: str
    worsens: str
    decision: str
    risk: str
    action: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    deployment: str
    environment: str
    facts: tuple[tuple[str, str], ...]
    """Name and value, as they stand under the title."""
    headline: Headline
    sections: tuple[Section, ...]
    signatures: tuple[str, ...]
    """Who signs."""
    problems: tuple[str, ...]
    """What could not be read."""
