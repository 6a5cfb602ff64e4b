"""A validation gives way: to the service it judges, and to whoever sits at a console meanwhile."""

from __future__ import annotations

import os

NICENESS = 10


def give_way() -> None:
    """Take this process, and what it starts, behind everything else that wants the processor."""
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
