"""Panel 8: the newest validation, five checks."""

from __future__ import annotations

from engine.state.model import CheckView, State
from tui.commands.command import key_of
from tui.lines import Line, Lines, Role, block, clause, fit, heading, join, marked, put, whole_words, wrap
from tui.look import Look

KEY, NAME = "8", "Validation"
_FULL_ENOUGH = 0.75
"""Of the room, what a summary that ends with a clause has to fill; else it ends with a word."""
STATUS: dict[str, Role] = {"PASS": "text", "WARN": "warn", "FAIL": "crit", "ERROR": "crit", "NOT RUN": "warn"}


def notes(state: State, look: Look) -> list[Line | str]:
    """Status and age for the heading."""
    checks = state.checks
    passed = sum(check.status == "PASS" for check in checks.checks)
    status = f"{checks.status} {passed}/{len(checks.checks)}" if checks.checks else checks.status
    when: Line | str = ""
    if checks.observed_at is not None:
        old = look.ago(checks.observed_at)
        other = checks.release if checks.release and checks.release != state.release else ""
        when = put(f"of {other}, {old}" if other else f"stale, {old}", "warn") if checks.stale else old
    running = [put(_running(state), "info")] if checks.running else []
    return [put(status, _role(checks.status, checks.stale)), when, *running]


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel at exactly ``width`` x ``height``."""
    focused = look.cursor is not None
    lines = [heading(look.glyphs.rule, KEY, NAME, notes(state, look), width, focused=focused)]
    if not state.checks.checks:
        lines.append(put(f" not run yet: {key_of('validate')} runs it", "dim"))
    for index, check in enumerate(state.checks.checks):
        line = fit(row(check, width, stale=state.checks.stale), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def _running(state: State) -> str:
    """That one runs, and how much of a large tape it has read."""
    steps = state.operation.steps if state.operation is not None and state.operation.kind == "validate" else ()
    read = next((step.percent for step in steps if step.state == "running" and step.percent is not None), None)
    return "running now" if read is None else f"running now, {read:.0f} % read"


def _role(status: str, stale: bool) -> Role:
    """A good result that is too old is quiet; a bad one stays loud until another takes its place."""
    return "stale" if stale and status == "PASS" else STATUS[status]


def row(check: CheckView, width: int, *, whole: bool = False, stale: bool = False) -> Line:
    """One check: its status, name and the figures that fit; ``whole``: the rest of them stands below."""
    status = put(check.status, _role(check.status, stale))
    head = join(" ", fit(status, 8), fit(put(check.name.replace("_", " "), "stale" if stale else "text"), 17))
    room = max(width - 27, 8)
    if whole:
        return join(head, *wrap(check.summary, room, "dim")[:1])
    words = clause(check.summary, width - 26)
    if len(words) < _FULL_ENOUGH * (width - 26):  # its first clause is short: more of it says more
        words = whole_words(check.summary, width - 26)
    return join(head, put(words, "dim"))
