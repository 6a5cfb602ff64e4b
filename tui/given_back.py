"""Memory that nobody uses any more goes back to the machine: a console is open for weeks, and reads much at times.

Without this it keeps what its largest plan once took: 4 MB after ten rollback sheets over fifty snapshots.
"""

from __future__ import annotations

import contextlib
from typing import Any

_LARGE = 64 * 1024
"""Bytes from which on a block has pages of its own, which go when it is freed. Set, because the C library otherwise
raises it to the largest block it ever saw: after one look at 10 MB of snapshots such blocks stay for good."""
_OPTIONS = {-8: 1, -3: _LARGE, -1: _LARGE}
"""M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of mallopt(3)."""


def hold_little() -> None:
    """Every thread allocates from the same place, and what is large or last goes back as soon as it is free."""
    with contextlib.suppress(OSError, AttributeError):
        library = _c_library()
        for option, value in _OPTIONS.items():
            library.mallopt(option, value)


def give_back() -> None:
    """Give free memory back; takes a millisecond or two, and holds up no other thread."""
    with contextlib.suppress(OSError, AttributeError):
        _c_library().malloc_trim(0)


def _c_library() -> Any:
    import ctypes  # the start does not wait for it

    return ctypes.CDLL(None)
