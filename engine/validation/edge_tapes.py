"""Where a validation lays its small edge tapes: gone when it ends, or with the next one where it was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "abaco-edge-"
_FORGOTTEN_AFTER = 6 * 3600.0
"""Seconds after which no validation that made one can still run: its commands have deadlines."""


@contextlib.contextmanager
def place_of_tapes() -> Iterator[Path]:
    """A directory for as long as the block runs. What killed validations of this account left is removed first."""
    since = time.time() - _FORGOTTEN_AFTER
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = left.lstat()
            if status.st_uid == os.geteuid() and status.st_mtime < since and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
        yield Path(directory)
