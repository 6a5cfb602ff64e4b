"""Damaging the live tape for a drill, and putting the original back, proven by its hash."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Refused
from engine.records import make_directory, write_file
from engine.records.regular import NotRegular, open_regular


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of the tape."""

    ok: bool
    says: str


def kept_original(root: Path) -> Path:
    """Where the original stands while the live tape is damaged."""
    return root / ".rollback" / "drill" / "tape"


def keep_original(root: Path, tape: Path, columns: Sequence[str]) -> tuple[str, bytes]:
    """Keep the live tape; its sha256, and what it is to be replaced with: ``columns`` lose their names, so that no
    release can compute what rests on them. Refused when it cannot be damaged so.
    """
    status = tape.lstat() if os.path.lexists(tape) else None
    if status is None or not stat.S_ISREG(status.st_mode):
        raise Refused(f"{tape} is no plain file: this drill cannot damage it and put it back", "drill something else")
    data = tape.read_bytes()
    header, newline, rest = data.partition(b"\n")
    spoilt = header
    for column in columns:
        spoilt = spoilt.replace(column.encode(), b"#" * len(column))
    if spoilt == header:
        raise Refused(f"{tape} has none of the columns {', '.join(columns)} in its first line", "drill something else")
    kept = kept_original(root)
    make_directory(kept.parent)
    write_file(kept, data, stat.S_IMODE(status.st_mode))
    os.utime(kept, ns=(status.st_atime_ns, status.st_mtime_ns))
    if _sha256(kept) != hashlib.sha256(data).hexdigest():
        raise Refused(
            f"the tape could not be kept in {kept}: it reads back otherwise", "nothing was changed; see the disk"
        )
    return hashlib.sha256(data).hexdigest(), spoilt + newline + rest


def put_back(root: Path, tape: Path, original: str, damaged: str) -> Restored:
    """The original where the damaged tape stands. A tape that somebody put there meanwhile is left alone."""
    kept = kept_original(root)
    live = _sha256(tape)
    if live == original:
        kept.unlink(missing_ok=True)
        return Restored(True, "the tape is the original")
    if live not in (damaged, ""):
        return Restored(True, f"another tape stands there now and was left; the original is kept in {kept}")
    if _sha256(kept) != original:
        return Restored(False, f"the kept tape {kept} is not the original: nothing was put back")
    status = kept.stat()
    write_file(tape, kept.read_bytes(), stat.S_IMODE(status.st_mode))
    os.utime(tape, ns=(status.st_atime_ns, status.st_mtime_ns))
    if _sha256(tape) != original:
        return Restored(False, f"{tape} reads back otherwise than it was written; the original is kept in {kept}")
    kept.unlink(missing_ok=True)
    return Restored(True, f"the original tape is back, sha256 {original[:12]}")


def _sha256(path: Path) -> str:
    """The file's hash; empty when it is not there, words when a pipe or a device stands there."""
    try:
        with open_regular(path) as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except FileNotFoundError:
        return ""
    except NotRegular as error:
        return str(error)
