"""The fold: one frozen :class:`State` for console, ``status --json`` and reports, read from the records."""

from engine.state.model import State
from engine.state.reader import StateReader

__all__ = ["State", "StateReader"]
