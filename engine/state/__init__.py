"""The fold: one frozen :class:`State` for console, ``status --json`` and reports, read from the records."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.state.model import State
    from engine.state.reader import StateReader

__all__ = ["State", "StateReader"]


_ROOMS = {"State": "model", "StateReader": "reader"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # a screen is there before any state is, and a state long before what reads it
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
