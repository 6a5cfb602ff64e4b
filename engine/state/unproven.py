"""The way back of a cutover that has not proven it yet: in words that console, ``status`` and update share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.state.model import State


def unproven(state: State, back: str) -> str:
    """What ``back`` (a key, a command) does in a cutover whose way back is not proven yet; empty where it is.

    An older proof says nothing about this cutover.
    """
    operation, way = state.operation, state.way_back
    if operation is None or operation.kind != "cutover":
        return ""
    if operation.started is not None and way.proven_at is not None and way.proven_at >= operation.started:
        return ""
    if operation.alive and operation.state != "HOLDING":
        return f"{back} ends the cutover and goes back"
    if state.release == way.release:
        return f"{back} ends the cutover; {state.release} is live"
    return f"{back} goes back; {NOT_PROVEN}"


NOT_PROVEN = "not proven for this cutover"
"""How the words end that are a warning."""
