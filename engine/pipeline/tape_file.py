"""The tape as one file that is read once: its hash is that of the very bytes the KPIs came from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.pipeline.figures import TapeUnreadable
from engine.records.regular import NotRegular, open_regular

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class TapeFile:
    """An open tape: whoever renames another file over it meanwhile changes nothing here."""

    path: Path
    stream: BinaryIO
    """Whoever reads it may close it."""
    sha256: str
    _descriptor: int
    _fingerprint: tuple[int, int]

    def check_unchanged(self) -> None:
        """TapeUnreadable when the file was written to since it was hashed."""
        if _fingerprint(self._descriptor) != self._fingerprint:
            raise TapeUnreadable(f"{self.path.name} was changed while it was read")


@contextmanager
def open_tape(path: Path) -> Iterator[TapeFile]:
    """Open and hash the tape at ``path``. TapeUnreadable when it is absent or no file."""
    try:
        stream = open_regular(path)
    except NotRegular as error:
        raise TapeUnreadable(f"{path.name} cannot be opened: {error}", "a tape is a CSV or Parquet file") from error
    except OSError as error:
        raise TapeUnreadable(f"{path.name} cannot be opened: {os.strerror(error.errno or 0)}") from error
    with stream:
        before = _fingerprint(stream.fileno())
        digest = hashlib.sha256()
        while block := stream.read(_BLOCK):
            digest.update(block)
        stream.seek(0)
        with os.fdopen(os.dup(stream.fileno()), "rb") as shared:
            yield TapeFile(path, shared, digest.hexdigest(), stream.fileno(), before)


def _fingerprint(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns
