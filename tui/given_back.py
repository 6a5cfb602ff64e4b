"""Memory that nobody uses any more goes back to the machine: a console is open for weeks, and reads much at times.

Without this it keeps what its largest plan once took: 4 MB after ten rollback sheets over fifty snapshots.
"""

from __future__ import annotations

import contextlib
from typing import Any

_M_ARENA_MAX = -8


def one_arena() -> None:
    """Every thread allocates from the same place: what one has freed the next one uses. Where the C library can."""
    with contextlib.suppress(OSError, AttributeError):
        _c_library().mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give free memory back; takes a millisecond or two, and holds up no other thread."""
    with contextlib.suppress(OSError, AttributeError):
        _c_library().malloc_trim(0)


def _c_library() -> Any:
    import ctypes  # the start does not wait for it

    return ctypes.CDLL(None)
