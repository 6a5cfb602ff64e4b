"""Reading a tape: CSV, Parquet, or a partitioned directory of Parquet files; its hash is that of the bytes read."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from engine.config.kpis import TapeSection
from engine.errors import OpsError
from engine.portfolio.columns import Amounts, Dates
from engine.portfolio.csv_shape import check_shape
from engine.portfolio.frame_columns import amounts, dates
from engine.portfolio.missing import missing_columns
from engine.portfolio.unreadable import TapeUnreadable, check_names, check_place
from engine.records import harmless
from engine.records.regular import open_regular

_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Tape:
    """A tape as read: nothing is repaired or left out."""

    path: Path
    sha256: str | None
    """Of the file; None for a directory."""
    rows: int
    amounts: dict[str, Amounts]
    """The configured columns of money that are there."""
    missing: dict[str, str]
    """Configured columns of money that are not there, each with the sentence that says so."""
    dates: Dates | None
    """None: the tape is undated."""
    ids: pd.Series[str] | None
    """Row identities as text, None where there is no such column."""


def read_tape(path: Path, section: TapeSection) -> Tape:
    """Read the tape at ``path``. TapeUnreadable when it is none; what is wrong inside it is kept and told."""
    try:
        check_place(path)
        sha256, frame = _directory(path, section) if path.is_dir() else _file(path, section)
    except TapeUnreadable as error:
        raise TapeUnreadable(f"{harmless(path)} {error.what}", error.fix) from error
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else harmless(error)
        raise TapeUnreadable(f"{harmless(path)} cannot be read: {said}", "give a CSV or Parquet file") from error
    present = [name for name in section.amounts if name in frame.columns]
    return Tape(
        path,
        sha256,
        len(frame),
        {name: amounts(frame[name]) for name in present},
        missing_columns(section.amounts, list(frame.columns)),
        dates(frame[section.date]) if section.date in frame.columns else None,
        _ids(frame[section.id]) if section.id in frame.columns else None,
    )


def _file(path: Path, section: TapeSection) -> tuple[str, pd.DataFrame]:
    with open_regular(path) as file:
        data = file.read()
    sha256 = hashlib.sha256(data).hexdigest()
    return sha256, _parquet(io.BytesIO(data), section) if data.startswith(_PARQUET) else _csv(data, section)


def _directory(path: Path, section: TapeSection) -> tuple[None, pd.DataFrame]:
    return None, _parquet(path, section)


def _csv(data: bytes, section: TapeSection) -> pd.DataFrame:
    header = check_shape(data)
    check_names(header)
    as_text = {index: str for index, name in enumerate(header) if name in (section.id, section.date)}
    try:
        frame = pd.read_csv(
            io.BytesIO(data), encoding="utf-8-sig", header=0, names=list(range(len(header))), dtype=as_text
        )
    except (OpsError, OSError):
        raise
    except Exception as error:  # pandas names no common base for what a damaged file makes it raise
        raise TapeUnreadable(f"is no CSV file: {harmless(error)}", "see the row it names") from error
    frame.columns = pd.Index(header)
    return frame


def _parquet(source: Path | io.BytesIO, section: TapeSection) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source)
        frame: pd.DataFrame = _ids_as_text(table, section.id).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, ValueError) as error:
        raise TapeUnreadable(f"is no Parquet tape: {harmless(error)}", "write it again") from error
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    check_names(list(frame.columns))
    return frame.reset_index(drop=True)


def _ids_as_text(table: Any, name: str) -> Any:
    """Whole numbers that name rows become text before a null beside them can make them doubles, which end at 2**53."""
    import pyarrow as pa

    at = table.schema.get_field_index(name)
    if at < 0 or not pa.types.is_integer(table.schema.field(at).type):
        return table
    return table.set_column(at, name, table.column(at).cast(pa.string()))


def _ids(raw: pd.Series[Any]) -> pd.Series[str]:
    return raw.astype("str").str.strip().mask(raw.isna())
