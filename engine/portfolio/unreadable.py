"""The one error for a tape from which nothing can be computed, and what is none before a byte of it is read."""

from __future__ import annotations

import contextlib
from pathlib import Path

from engine.errors import OpsError
from engine.records import harmless
from engine.records.harmless import is_text
from engine.records.regular import special


class TapeUnreadable(OpsError):
    """The file as a whole is no tape; the reader puts its name in front."""


def check_names(header: list[str]) -> None:
    """TapeUnreadable when a column is there twice."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TapeUnreadable(f"has the column {harmless(twice[0])!r} twice", "one column, one name")


def check_place(path: Path) -> None:
    """TapeUnreadable, without the tape's name, when no tape can stand at ``path``: looked at, not opened. OSError."""
    if not is_text(path):
        raise TapeUnreadable("has a name that is no UTF-8", "rename it, or make a link with a plain name to it")
    if path.is_dir():
        _check_inside(path)
        return
    kind = special(path)
    if kind:
        raise TapeUnreadable(
            f"is {kind}, no regular file", "give a CSV or Parquet file; what comes through a pipe, write into one first"
        )
    if not path.stat().st_size:  # so are files of /proc, of which some let their reader wait
        raise TapeUnreadable("is empty: it has not even a header", "a tape begins with a row of column names")


def _check_inside(directory: Path) -> None:
    for file in directory.rglob("*"):
        name = harmless(file.relative_to(directory))
        if not is_text(file):
            raise TapeUnreadable(f"holds {name}, a name that is no UTF-8", "rename it")
        with contextlib.suppress(FileNotFoundError):  # gone since, or a link to nothing
            kind = special(file)
            if kind:
                raise TapeUnreadable(f"holds {name}, which is {kind}, no regular file", "take it out")
