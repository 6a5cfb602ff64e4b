"""Panel 3: an operation with its steps, its seconds, its last output, and what can be done now."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec.structs import replace

from engine.operations.model import Operation, OperationStep
from engine.operations.outcome import closed_later, state_word
from engine.operations.watchers import watching_in_words
from engine.state.model import State
from tui.commands.command import key_of
from tui.glyphs import bar
from tui.lines import (
    Line,
    Lines,
    Role,
    block,
    clause,
    first_that_fits,
    fit,
    heading,
    join,
    put,
    right,
    spread,
    width_of,
    within,
)
from tui.look import Look
from tui.words import seconds, stamp

KEY, NAME = "3", "Operation"
WORDS: dict[str, str] = {"NEEDS_HUMAN": "NEEDS YOU"}
"""Of one that is unresolved, on the sheet of what can be done."""
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
_LOUD: dict[str, Role] = {"running": "strong", "failed": "crit", "aborted": "warn", "undone": "warn"}
_PHASES_FROM = 100
LINGERS = 60.0
"""Seconds that an operation that has ended keeps its place on a small dashboard."""
_BRIEF_BELOW = 12
"""Rows below which the panel has no room for explanations."""
_FINISHED = ("done", "skipped", "undone")


def newest(state: State) -> Operation | None:
    """The running or unresolved operation, else the last one."""
    return state.operation or state.last_operation


def title(operation: Operation, width: int, look: Look, *, focused: bool = False) -> Line:
    """``-3 Operation --- 0003-cutover --- v1 -> v2 --- RUNNING 3.1 s``."""
    took = seconds(spent(operation, look))
    words = f"stopped after {took}, {state_word(operation)}" if closed_later(operation) else None
    role = "warn" if operation.by_hand else ROLES.get(operation.state, "text")
    state = put(words or f"{state_word(operation)} {took}", role)
    way = operation.release_to
    if operation.release_from and operation.release_from != operation.release_to:
        way = f"{operation.release_from} {look.glyphs.arrow} {operation.release_to}"
    return heading(look.glyphs.rule, KEY, NAME, [put(operation.id, "text"), state, way], width, focused=focused)


def spent(operation: Operation, look: Look) -> float | None:
    """Seconds it took, or has taken so far."""
    if operation.started is None or operation.ended is not None or not operation.alive:
        return operation.seconds
    return (look.now - operation.started).total_seconds()


def in_front(state: State, now: datetime) -> bool:
    """Whether a cutover or a rollback runs, waits for a person, or has ended so lately that it is still news."""
    if state.operation is not None:
        return state.operation.kind != "validate"
    last = state.last_operation
    return last is not None and last.ended is not None and (now - last.ended).total_seconds() < LINGERS


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel for the dashboard: progress, what to do, and as many steps around the one at hand as fit."""
    operation = newest(state)
    if operation is None:
        return _none_yet(state, width, height, look)
    lines = [title(operation, width, look, focused=look.cursor is not None), progress(operation, width, look)]
    if operation.failure:
        lines += within(operation.failure, width - 1, 2, "crit", indent=1)
    lines += people(state, width, look)[: 1 if height < _BRIEF_BELOW else 2]
    lines += offers(operation, width, look, brief=height < _BRIEF_BELOW)
    lines += [put(f" ! {text}", "warn") for text in operation.warnings[: 0 if height < _BRIEF_BELOW else 2]]
    room = max(height - len(lines), 0)
    if room >= len(operation.steps) + 2:
        lines += [(), *step_rows(operation, width, look), ()]
        lines += output(operation, height - len(lines))
    else:
        lines += step_rows(operation, width, look, room)
    return block(lines, width, height)


def _none_yet(state: State, width: int, height: int, look: Look) -> Lines:
    """Before the first operation: the releases as installed, and the keys that begin one."""
    lines = [heading(look.glyphs.rule, KEY, NAME, [], width, focused=look.cursor is not None), put(" none yet", "dim")]
    for release in state.releases:
        live = release.name == state.release
        word = put("LIVE" if live else release.service_state.lower(), "strong" if live else "dim")
        built = put(f"build {release.build or '-'}  config {release.config_hash or '-'}", "dim")
        lines.append(join(fit(put(f" {release.name}", "text"), 6), fit(word, 10), built))
    if look.read_only:
        return block(lines, width, height)
    way = ("cutover", "cutover sheet") if state.release == state.way_back.release else ("rollback", "rollback sheet")
    keys = [
        join(put(key_of(name), "key"), put(f" {words}  ", "dim")) for name, words in (("validate", "validates"), way)
    ]
    return block([*lines, (), join(" ", *keys)], width, height)


def step_rows(operation: Operation, width: int, look: Look, rows: int | None = None) -> Lines:
    """Every step, or the ``rows`` of them around the one at hand: two before it, the rest after."""
    steps = operation.steps
    first, last = 0, len(steps)
    if rows is not None and rows < len(steps):
        open_ = (i for i, step in enumerate(steps) if step.state in ("failed", "aborted", "running", "waiting"))
        first = max(min(next(open_, len(steps)) - min(2, rows // 2), len(steps) - rows), 0)
        last = first + rows
    if not operation.alive:
        steps = tuple(_interrupted(step) for step in steps)
    before = (None, *steps[first : max(last - 1, first)])
    return [step_row(step, prior, width, look) for step, prior in zip(steps[first:last], before, strict=False)]


def _interrupted(step: OperationStep) -> OperationStep:
    """Nobody works on it any more."""
    if step.state != "running":
        return step
    return replace(step, state="undone", detail=step.detail or "interrupted here")


def output(operation: Operation, rows: int, indent: str = " ") -> Lines:
    """The newest output, its time short; what only repeats a step or an offer is left out: they stand above."""
    stands = (*(f": {step.title}" for step in operation.steps), *operation.offers)
    told = [text for text in operation.output if not any(words in text for words in stands)]
    shown = told[-rows:] if rows > 0 else ()
    return [put(indent + in_short(text), "dim") for text in shown]


def in_short(line: str) -> str:
    """A line of the output with the time of day alone."""
    return _STAMPED.sub(r"\1 ", line, count=1)


def progress(operation: Operation, width: int, look: Look) -> Line:
    """The bar, how many steps, and which is at hand or next."""
    finished = sum(step.state in _FINISHED for step in operation.steps)
    total = len(operation.steps)
    at_hand = next((step for step in operation.steps if step.state in ("running", "failed", "aborted")), None)
    coming = next((step for step in operation.steps if step.state == "waiting"), None)
    if at_hand is not None:
        role: Role = "crit" if at_hand.state == "failed" else "text"
        leads = {"failed": "failed: ", "aborted": "aborted at: "}
        lead = leads.get(at_hand.state, "" if operation.alive else "interrupted at: ")
        words = put(f"{lead}{at_hand.title}", role)
    else:
        words = put(f"next: {coming.title}" if coming and operation.alive else "", "dim")
    phase = at_hand or coming
    place = put(f"{phase.phase}: ", "dim") if phase is not None and operation.alive else ()
    begun = at_hand.percent / 100 if at_hand is not None and at_hand.percent is not None else 0.0
    share, count = (finished + begun) / total if total else 0.0, put(f"  {finished} of {total}  ", "text")
    forms: list[Line] = []
    for cells, where in ((min(24, width // 3), place), (12, place), (12, ()), (6, ())):
        full, empty = bar(share, cells, look.glyphs)
        forms.append(join(" ", put(full, "info"), put(empty, "faint"), count, where, words))
    return first_that_fits(width, *forms)


def offers(operation: Operation, width: int, look: Look, *, brief: bool = False) -> Lines:
    """What a person can do now, side by side where they fit; nothing after a success. ``brief``: commands only."""
    if operation.state == "SUCCEEDED":
        return []
    texts = [offer.split("    ")[0] if brief else offer for offer in operation.offers]
    rows: Lines = []
    for text in texts:
        text = _with_its_key(text, look)
        part = join(put(f" {look.glyphs.here} ", "info"), put(text, "text"), " ")
        if rows and width_of(rows[-1]) + width_of(part) <= width:
            rows[-1] = join(rows[-1], part)
        else:
            rows.append(part)
    return rows


def _with_its_key(offer: str, look: Look) -> str:
    """The way back with its key; where only looking is allowed the command alone: the key is refused."""
    keyed = offer.startswith("abaco-ops rollback") and not look.read_only
    return f"{key_of('rollback')} or {offer}" if keyed else offer


def facts(operation: Operation, width: int) -> Lines:
    """Who started it, from where, when, and why."""
    who = f" by {operation.actor} from {operation.origin}, {stamp(operation.started)}"
    return [fit(join(put(who, "dim"), put(f"   {operation.reason}" if operation.reason else "", "text")), width)]


def people(state: State, width: int, look: Look) -> Lines:
    """Who operates now, since when, and who watches from another console; nothing when nobody does either."""
    held = f"operating: {state.holder.told(look.now)}" if state.holder is not None else ""
    told = [words for words in (held, watching_in_words(state.watchers)) if words]
    return [fit(put(f" {words}", "dim"), width) for words in told]


def step_row(step: OperationStep, before: OperationStep | None, width: int, look: Look) -> Line:
    """One step: its phase where a new one begins, mark, title, detail and seconds."""
    marks: dict[str, tuple[str, Role]] = {
        "waiting": (look.glyphs.waiting, "dim"),
        "running": (look.glyphs.here, "info"),
        "done": (look.glyphs.done, "dim"),
        "failed": (look.glyphs.missed, "crit"),
        "aborted": (look.glyphs.missed, "warn"),
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
    took = right(put(seconds(step.seconds), "dim"), 8) if step.seconds is not None else ()
    room = width - width_of(head) - 12
    said = step.detail if step.state in _LOUD else clause(step.detail, room)
    note = put(f"  {said}", "dim") if said else ()
    return spread(join(head, note), join(took, " "), width, gap=1)
