"""Panel 3: an operation with its steps, its seconds, its last output, and what can be done now."""

from __future__ import annotations

import re

from engine.state.model import OperationView, State, StepView
from tui.glyphs import bar
from tui.lines import Line, Lines, Role, block, fit, heading, join, put, right, spread, width_of, wrap
from tui.look import Look
from tui.words import seconds, stamp

KEY, NAME = "3", "Operation"
WORDS: dict[str, str] = {"NEEDS_HUMAN": "NEEDS YOU", "ROLLED_BACK": "ROLLED BACK"}
ROLES: dict[str, Role] = {
    "NEEDS_HUMAN": "crit",
    "INTERRUPTED": "warn",
    "ABORTING": "warn",
    "ABORTED": "warn",
    "ROLLED_BACK": "warn",
    "HOLDING": "info",
    "RUNNING": "info",
    "SUCCEEDED": "strong",
}
_STAMPED = re.compile(r"^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)[.\d]*Z \S+ ")
_LOUD: dict[str, Role] = {"running": "strong", "failed": "crit", "undone": "warn"}
_PHASES_FROM = 100
_FINISHED = ("done", "skipped", "undone")


def newest(state: State) -> OperationView | None:
    """The running or unresolved operation, else the last one."""
    return state.operation or state.last_operation


def title(operation: OperationView, width: int, look: Look, *, focused: bool = False) -> Line:
    """``-3 Operation --- 0003-cutover --- v1 -> v2 --- RUNNING 3.1 s``."""
    word = WORDS.get(operation.state, operation.state)
    state = put(f"{word} {seconds(spent(operation, look))}", ROLES.get(operation.state, "text"))
    way = operation.release_to
    if operation.release_from and operation.release_from != operation.release_to:
        way = f"{operation.release_from} {look.glyphs.arrow} {operation.release_to}"
    return heading(look.glyphs.rule, KEY, NAME, [put(operation.id, "text"), state, way], width, focused=focused)


def spent(operation: OperationView, look: Look) -> float | None:
    """Seconds it took, or has taken so far."""
    if operation.seconds is not None:
        return operation.seconds
    return (look.now - operation.started).total_seconds() if operation.started else None


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel for the dashboard: progress, the step at hand, the last output or what to do."""
    operation = newest(state)
    if operation is None:
        empty = heading(look.glyphs.rule, KEY, NAME, [], width, focused=look.cursor is not None)
        return block([empty, put(" none yet", "dim")], width, height)
    lines = [title(operation, width, look, focused=look.cursor is not None), progress(operation, width, look)]
    if height >= len(operation.steps) + 6:
        before = (None, *operation.steps)
        lines += [
            (),
            *(step_row(step, last, width, look) for step, last in zip(operation.steps, before, strict=False)),
            (),
        ]
    if operation.failure:
        lines += wrap(operation.failure, width - 1, "crit", indent=1)[:2]
    lines += offers(operation, width, look)
    room = max(height - len(lines), 0)
    lines += output(operation, room)
    return block(lines, width, height)


def output(operation: OperationView, rows: int, indent: str = " ") -> Lines:
    """The newest output, its time short and without the operation's name, which stands above."""
    shown = operation.output[-rows:] if rows > 0 else ()
    return [put(indent + _STAMPED.sub(r"\1 ", text, count=1), "dim") for text in shown]


def progress(operation: OperationView, width: int, look: Look) -> Line:
    """The bar, how many steps, and which is at hand or next."""
    finished = sum(step.state in _FINISHED for step in operation.steps)
    total = len(operation.steps)
    full, empty = bar(finished / total if total else 0.0, min(24, width // 3), look.glyphs)
    at_hand = next((step for step in operation.steps if step.state in ("running", "failed")), None)
    coming = next((step for step in operation.steps if step.state == "waiting"), None)
    if at_hand is not None:
        role: Role = "crit" if at_hand.state == "failed" else "text"
        words = put(f"{'failed: ' if at_hand.state == 'failed' else ''}{at_hand.title}", role)
    else:
        words = put(f"next: {coming.title}" if coming and operation.alive else "", "dim")
    phase = at_hand or coming
    place = put(f"{phase.phase}: ", "dim") if phase is not None and operation.alive else ()
    return join(" ", put(full, "info"), put(empty, "faint"), put(f"  {finished} of {total}  ", "text"), place, words)


def offers(operation: OperationView, width: int, look: Look) -> Lines:
    """What a person can do now, side by side where they fit; nothing after a success."""
    if operation.state == "SUCCEEDED":
        return []
    parts = [join(put(f" {look.glyphs.here} ", "info"), put(offer, "text"), " ") for offer in operation.offers]
    one = join(*parts)
    return [one] if parts and width_of(one) <= width else parts


def facts(operation: OperationView, width: int) -> Lines:
    """Who started it, from where, when, and why."""
    who = f" by {operation.actor} from {operation.origin}, {stamp(operation.started)}"
    return [fit(join(put(who, "dim"), put(f"   {operation.reason}" if operation.reason else "", "text")), width)]


def step_row(step: StepView, before: StepView | None, width: int, look: Look) -> Line:
    """One step: its phase where a new one begins, mark, title, detail and seconds."""
    marks: dict[str, tuple[str, Role]] = {
        "waiting": (look.glyphs.waiting, "dim"),
        "running": (look.glyphs.here, "info"),
        "done": (look.glyphs.done, "dim"),
        "failed": (look.glyphs.missed, "crit"),
        "undone": (look.glyphs.overridden, "warn"),
        "skipped": ("-", "dim"),
    }
    mark, role = marks[step.state]
    phase = step.phase if before is None or before.phase != step.phase else ""
    loud: Role = _LOUD.get(step.state, "text")
    quiet: Role = "dim" if step.state in ("waiting", "skipped") else loud
    if width < _PHASES_FROM:
        phase = phase.split(" ")[0] if phase[:1].isdigit() else ""
    column = fit(put(phase, "title"), 1 if width < _PHASES_FROM else 15)
    head = join(" ", column, " ", put(mark, role), " ", put(step.title, quiet))
    note = put(f"  {step.detail}", "dim") if step.detail else ()
    took = right(put(seconds(step.seconds) if step.seconds is not None else "", "dim"), 8)
    return spread(join(head, note), join(took, " "), width, gap=1)
