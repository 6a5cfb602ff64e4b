"""The last words of a console: what runs on without it, and how to come back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.state.model import State


def last_words(state: State | None, root: str, environment: Mapping[str, str], host: str) -> str:
    """One line, and another inside a tmux. ``host``: this machine's name, for who came over SSH."""
    lines = [f"{_runs_on(state)}. Come back: {_way(root, environment, host)}"]
    if environment.get("TMUX"):
        lines.append("In this tmux a console can also stay open: your prefix, then d, detaches; tmux attach comes back")
    return "\n".join(lines)


def _runs_on(state: State | None) -> str:
    if state is None:
        return "nothing was stopped"
    running = [state.release.upper()] if state.release else []
    if state.operation is not None and state.operation.alive:
        running.append(state.operation.id)
    if state.monitor.running:
        running.append("the monitor")
    named = " and ".join(", ".join(running).rsplit(", ", 1))
    said = f"{named} {'run' if len(running) > 1 else 'runs'} on" if running else "nothing was stopped"
    if state.operation is not None and not state.operation.alive:
        from engine.operations.model import state_in_words  # only here: the first picture does not wait for it

        said += f"; {state.operation.id} is {state_in_words(state.operation.state)}"
    return said if state.monitor.running else f"{said}; no monitor runs: nobody is told of anything"


def _way(root: str, environment: Mapping[str, str], host: str) -> str:
    command = f"abaco-ops --root {shlex.quote(root)}"
    return f"ssh -t {host} {shlex.quote(command)}" if environment.get("SSH_CONNECTION") else command
