"""What has happened between two states, said in the footer's place: an operation moved on, a validation has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import numbered
from tui.commands.command import key_of
from tui.lines import Role

if TYPE_CHECKING:
    from engine.state.model import State
    from tui.app import ConsoleApp


def tell(app: ConsoleApp, before: State, state: State) -> None:
    """Say what has happened between two states: a validation that was asked for here ended, an operation moved on."""
    asked = app.launching.asked_validation
    news = validation_news(before, state) if asked else None
    if news is not None:
        app.launching.asked_validation = None
        app.say(*news)
    own = app.launching.accepted[0] if app.launching.accepted is not None else ""
    news = operation_news(before, state, own)
    in_sight = numbered.name_of(app.screen) == "operation" and state.operation is not None
    if news is not None and not in_sight:
        app.say(*news)


def operation_news(before: State, after: State, own: str) -> tuple[str, Role] | None:
    """What to say when an operation began or ended between two states. ``own``: the one this console started."""
    from engine.operations.outcome import outcome_words, well

    was, now = before.operation, after.operation
    if now is not None and now.started is None:
        return None  # its worker may refuse it yet
    if now is not None and now.kind != "validate" and now.id != own and (was is None or was.id != now.id):
        return f"{now.id} runs, started by {now.actor}: {key_of('view.operation')} shows it", "info"
    if now is not None and was is not None and now.state == "HOLDING" != was.state:
        then = f"{key_of('view.operation')}, then {key_of('go.here')}"
        return f"{now.id} holds before the switch and waits for a go: {then}", "info"
    ended = after.last_operation
    if ended is None or was is None or was.id != ended.id or was.ended == ended.ended or ended.kind == "validate":
        return None
    live = f"{after.release.upper()} is live" if after.release else "no release is live"
    return f"{ended.id} {outcome_words(ended)}: {live}", "strong" if well(ended) else "crit"


def validation_news(before: State, after: State) -> tuple[str, Role] | None:
    """What to say when a validation ended between two states."""
    if before.checks.observed_at == after.checks.observed_at:
        return None
    passed = sum(check.status == "PASS" for check in after.checks.checks)
    words = f"validation {after.checks.status}: {passed} of {len(after.checks.checks)} checks PASS"
    return words, "text" if after.checks.status == "PASS" else "crit"
