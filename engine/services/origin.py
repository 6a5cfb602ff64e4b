"""Where a process was written down: a copy of a directory carries along the names of another deployment's processes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """Another directory than this one, in which something was written that now stands here."""

    place: Path
    copied: bool
    """It is there still: this is a copy, and what runs belongs there. Else this one was moved, with what it runs."""


def origin_of(written_in: str, here: Path) -> Origin | None:
    """Whence something came that says it was ``written_in`` a directory; None when that is this one, or it is not said.

    Names that are alike cost nothing; else it is looked whether both mean the same directory, as mounts can.
    """
    if written_in in ("", str(here)):
        return None
    place = Path(written_in)
    try:
        there = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Origin(place, copied=False)
    except OSError:
        return Origin(place, copied=True)  # something is there, closed to this account
    return None if os.path.samestat(there, here.stat()) else Origin(place, copied=True)
