"""How far the watch has come, as the schedule counts it: ``time_scale`` times the real time since the cutover."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.state.model import State


def counts(state: State) -> bool:
    """Whether time is counted from a cutover now."""
    return state.cutover_at is not None and state.phase in ("BAKE", "STABILISE", "STEADY")


def phase_words(state: State) -> str:
    """The phase as people read it: with the old release's own name where the value says V1."""
    return state.phase.replace("V1", state.releases[0].name.upper()) if state.releases else state.phase


def watch_time(state: State, now: datetime) -> str:
    """``T+07:12``, ``T+24:00 (time x24)``; empty where no cutover is watched."""
    if state.cutover_at is None or not counts(state):
        return ""
    scaled = f" (time x{state.time_scale:g})" if state.time_scale != 1 else ""
    return since_cutover(state.cutover_at, now, state.time_scale) + scaled


def since_cutover(moment: datetime, now: datetime, scale: float) -> str:
    """``T+07:12``; from a hundred hours on ``T+5d03h``."""
    minutes = int(max((now - moment).total_seconds(), 0.0) * scale // 60)
    hours = minutes // 60
    return f"T+{hours:02d}:{minutes % 60:02d}" if hours < 100 else f"T+{hours // 24}d{hours % 24:02d}h"


def since_stays(passed: float, scale: float) -> float:
    """For how many more real seconds :func:`since_cutover` says the same, ``passed`` after the cutover."""
    return (60 - max(passed, 0.0) * scale % 60) / scale - min(passed, 0.0)
