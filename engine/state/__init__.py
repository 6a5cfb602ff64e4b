"""The fold: one frozen :class:`State` for console, ``status --json`` and reports, read from the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.state.model import State

if TYPE_CHECKING:
    from engine.state.reader import StateReader

__all__ = ["State", "StateReader"]


def __getattr__(name: str) -> Any:
    if name != "StateReader":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from engine.state.reader import StateReader  # a screen needs the State long before what reads it

    return StateReader
