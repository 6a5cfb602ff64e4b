"""The rollback sheet: what it would do, and the question that takes the release's name for an answer."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from engine.operations.plan import Plan
from engine.records.counted import counted
from engine.state.model import State
from tui.field import EMPTY, Field
from tui.lines import Line, Lines, block, cut_short, fit, join, put, spread, text_width, width_of, wrap
from tui.look import Look
from tui.sheets import early, grounds
from tui.sheets.early import ARM_AFTER
from tui.words import ago, amount, clock, number, rests_on, seconds

TALLEST = 24
"""Rows of the sheet on a large screen: the question stays near its facts."""
_ASKED_WHOLE = 78
"""Columns that the whole question needs."""
_PASTED, _UNCHANGED = "pasted text is refused", "nothing changed"
PLAN_WITHIN = 3.0
"""Seconds the sheet waits for its facts; the way back stays open without them."""


@dataclass(frozen=True, slots=True)
class RollbackSheet:
    """What has been typed, and how far it is."""

    target: str
    field: Field = EMPTY
    open_for: float = 0.0
    """Seconds since the sheet was opened, or since its facts were found to be of the past."""
    plan: Plan | None = None
    trouble: str = ""
    """Why there is no plan, or why the last Enter did nothing."""
    discarded: int = 0
    last_discarded: float = 0.0
    """When the last one was, as :attr:`open_for` counts."""
    sent: bool = False
    changed: str = ""
    """What has happened since the sheet was opened that made its facts others."""
    looking: bool = False
    """The facts shown are of the past; new ones are on their way."""

    @property
    def armed(self) -> bool:
        """Whether keys count."""
        known = (self.plan is not None and not self.looking) or bool(self.trouble) or self.open_for >= PLAN_WITHIN
        return self.open_for >= ARM_AFTER and known and not self.sent

    @property
    def discards(self) -> bool:
        """Whether a key pressed now came too early, or belongs to a burst that did."""
        return not self.armed or early.in_burst(self.discarded, self.open_for, self.last_discarded)

    def too_soon(self) -> RollbackSheet:
        """After such a key."""
        return replace(self, discarded=self.discarded + 1, last_discarded=self.open_for)

    def outdated(self, changed: str) -> RollbackSheet:
        """The facts are of the past: what was typed stays, and nothing is confirmed before the new ones are read."""
        trouble = "" if self.asks_again else self.trouble
        return replace(self.armed_later(), changed=changed, looking=True, trouble=trouble)

    def armed_later(self) -> RollbackSheet:
        """The time before it is armed begins anew; how many keys were discarded is told until one counts."""
        return replace(self, open_for=0.0, last_discarded=self.last_discarded - self.open_for)

    def key(self, name: str, character: str | None) -> RollbackSheet | None:
        """The sheet after a key of the field; None when the key is none of it."""
        after = self.field.key(name, character)
        if after is None:
            return None
        if self.discards:
            return self.too_soon()
        return replace(self, field=after, trouble="" if self.plan else self.trouble, discarded=0)

    def pasted(self) -> RollbackSheet:
        """A paste is never an answer."""
        refused = self.plan is not None and self.plan.refusals
        return replace(self, trouble=_PASTED if refused else f"{_PASTED}: type the name")

    @property
    def asks_again(self) -> bool:
        """Whether the trouble is about an answer, so that it means nothing once there is no question."""
        return self.trouble.startswith((f"{_PASTED}:", _UNCHANGED))

    def wrong(self) -> str:
        """Why Enter may not go on now; empty when it may."""
        if self.sent:
            return "already on its way"
        if self.discards:
            return "not armed yet: the key was discarded"
        if self.plan is not None and self.plan.refusals:
            return f"refused: {self.plan.refusals[0]}"  # whatever is typed
        if self.field.text == self.target:
            return ""
        typed = f"{self.field.text!r} is not {self.target}" if self.field.text else f"type {self.target}, then Enter"
        return f"{_UNCHANGED}: {typed}"


def draw(sheet: RollbackSheet, state: State, width: int, height: int, look: Look) -> Lines:
    """The sheet at exactly ``width`` x ``height``; the question always stands at the same place at the bottom."""
    tall = min(height, TALLEST)
    top = [fit((), width)] if height >= 20 else []
    top += [_title(sheet, state, width, look), *([fit((), width)] if height >= 19 else [])]
    needless = sheet.plan.needless if sheet.plan is not None else ""
    nothing = _nothing_asked(sheet, state, needless)
    asked = nothing or _question(sheet, width, look)
    lost = _discarded(sheet, asked=not nothing)
    trouble = _trouble(sheet, width, asked=not nothing)
    over = lost if trouble else ()
    bottom = [fit((), width), () if needless else _steps(sheet, width, look), fit(over, width), fit(asked, width)]
    said = trouble or ([lost] if lost else _foreseen(sheet, width, asked=not nothing))
    bottom += [*block(said, width, 2), *_elsewhere(state, width)]
    middle = grounds.lines(state, sheet.changed, look.now, width, looking=sheet.looking)
    middle += [_fact("Nothing to do", needless)] if needless else _facts(sheet, state, look)
    evidence = [] if needless else _evidence(sheet, state)
    room = tall - len(top) - len(bottom)
    gap: Lines = [()] if len(middle) + len(evidence) < room else []
    middle = [*middle, *gap, *cut_short(evidence, room - len(middle) - len(gap), "d")][: max(room, 0)]
    drawn = [*top, *block(middle, width, max(room, 0)), *bottom][-tall:]
    return block(drawn, width, height)


def _title(sheet: RollbackSheet, state: State, width: int, look: Look) -> Line:
    builds = {release.name: release.build for release in state.releases}
    source = sheet.plan.release_from if sheet.plan else (state.release or state.releases[-1].name)
    if source == sheet.target:
        source = state.releases[-1].name
    text = f"{source} {builds.get(source, '')}  {look.glyphs.arrow}  {sheet.target} {builds.get(sheet.target, '')}"
    if sheet.plan is not None and sheet.plan.needless:
        text = f"nothing to roll back: {sheet.target} {builds.get(sheet.target, '')} is live"
    name = put("ROLL BACK", "strong")
    rule = look.glyphs.rule
    line = join(put(rule + " ", "faint"), name, "   ", put(text, "text"), " ")
    return join(line, put(rule * max(width - width_of(line), 0), "faint"))


def _fact(label: str, text: str) -> Line:
    return join(fit(put(f" {label}", "dim"), 15), put(text, "text"))


def _facts(sheet: RollbackSheet, state: State, look: Look) -> Lines:
    plan, way = sheet.plan, state.way_back
    if plan is None:
        waiting = sheet.trouble or "the plan is being made ..."
        known = f"{way.release} {way.build}, snapshot {way.snapshot or '?'}; {rests_on(way, look.ago)}"
        return [_fact("Plan", waiting), _fact("Known", known)]
    expected = plan.expected_seconds if plan.expected_seconds is not None else way.seconds
    rests = f"{way.basis} {ago(way.basis_at, look.now)}, {seconds(way.seconds)}" if way.basis else "never rehearsed"
    takes = f"about {seconds(expected)}; {rests}" if expected is not None else f"not known; {rests}"
    metrics = (
        "metrics are not touched"
        if plan.abort_only
        else (f"metrics of {clock(plan.snapshot_at) if plan.snapshot_at else 'snapshot ' + str(plan.snapshot)}")
    )
    keys = (
        f"{len(plan.changes)} key{'' if len(plan.changes) == 1 else 's'} differ{'s' if len(plan.changes) == 1 else ''}"
    )
    restores = f"{plan.release_to} {plan.build_to[:6]}, config {plan.config_then[:6]} ({keys}), {metrics}"
    runs, files = counted(plan.sets_aside_runs, "run"), counted(plan.sets_aside_files, "file")
    aside = f"{runs}, {files}, {amount(plan.sets_aside_bytes)}"
    wrote = f"{plan.release_from.upper()}'s {aside}, in a side snapshot"
    taken = f"what readers took of {runs} published since the cutover"
    nothing = f"nothing: {plan.release_from.upper()} published no run since the cutover"
    lines = [
        _fact("Takes", takes),
        _fact("Restores", restores),
        _fact("Readers get", _readers(state, plan.release_to, look)),
        _fact("Sets aside", wrote if plan.sets_aside_files else f"nothing: {plan.release_from.upper()} wrote nothing"),
        _fact("Cannot undo", taken if plan.sets_aside_runs else nothing),
    ]
    if plan.not_covered:
        lines.append(_fact("Not covered", ", ".join(plan.not_covered)))
    return lines


def _readers(state: State, target: str, look: Look) -> str:
    """What the old release itself computed of the live tape; nothing is made up where it has computed nothing."""
    shadow, name = state.shadow, target.upper()
    if shadow is None or shadow.release != target:
        return f"not known: {name} has not computed this tape in the shadow"
    when = ago(shadow.observed_at, look.now)
    if shadow.reason:
        return f"not known: {name}'s shadow run {when}: {shadow.reason}"
    decimals = {release.name: release.decimals for release in state.releases}.get(target, 1)
    shown = [
        f"{kpi.title} {_value(shadow.values.get(kpi.id), decimals)} (now {_value(kpi.value, kpi.decimals)})"
        for kpi in state.kpis[:2]
    ]
    stale = " STALE" if shadow.stale or any(kpi.stale for kpi in state.kpis) else ""
    return "  ".join([*shown, f"{'shadow run' if shadow.current else 'earlier tape'} {when}{stale}"])


def _value(value: float | None, decimals: int) -> str:
    return "undefined" if value is None else number(value, decimals)


def _evidence(sheet: RollbackSheet, state: State) -> Lines:
    if sheet.plan is None:
        return []
    order = {"no": 0, "--": 1, "ok": 2}
    mixed = grounds.not_said_live(sheet.plan.evidence, state)
    if any(item.mark == "no" for item in mixed):
        mixed = tuple(sorted(mixed, key=lambda item: order[item.mark]))
    lines = []
    for item in mixed:
        mark = put(f" {item.mark} ", "crit" if item.mark == "no" else "dim")
        text = put(item.text, "crit" if item.mark == "no" else "text")
        lines.append(join(fit(mark, 5), fit(put(item.name, "dim"), 17), " ", text))
    if any(item.name == "matrix" for item in mixed):
        return lines
    word = state.verdict.word
    why = f"{word}: {state.verdict.why}"
    if word == "UNKNOWN":
        why += "; you decide"
    elif word != "ROLL BACK":
        why = f"{word}: no rollback tier holds; you decide"
    return [*lines, join(fit(put(" --", "dim"), 5), fit(put("matrix", "dim"), 17), " ", put(why, "text"))]


def _steps(sheet: RollbackSheet, width: int, look: Look) -> Line:
    if sheet.plan is None or not sheet.plan.steps:
        return fit((), width)
    phases = dict.fromkeys(step.phase.lstrip("0123456789 ") for step in sheet.plan.steps)
    names = list(phases) if len(phases) > 1 else [step.name.replace("_", " ") for step in sheet.plan.steps]
    text = " > ".join(names)
    return fit(put(f"     {text}", "dim"), width)


def _question(sheet: RollbackSheet, width: int, look: Look) -> Line:
    narrow = width < _ASKED_WHOLE
    ask = join(
        put(" Type  " if narrow else "     Where do you want to be?  Type  ", "text"),
        put(sheet.target, "strong"),
        put("  then Enter    ", "text"),
        sheet.field.draw(16, look.glyphs.caret, active=sheet.armed),
        "   ",
    )
    if sheet.sent:
        return fit(join(ask, put("sent", "info")), width)
    if sheet.armed:
        return fit(join(ask, put("armed", "strong")), width)
    return fit(join(ask, put("wait", "dim")), width)


def _nothing_asked(sheet: RollbackSheet, state: State, needless: str) -> Line:
    """In the question's place where it has no answer; empty where it has one, and what is typed always is seen."""
    runs = grounds.busy(state)
    if sheet.sent or (runs is None and not needless):
        return ()
    if runs is not None and runs.kind == "rollback":
        return put(f"     Nothing to confirm while it runs: {grounds.watch_it()}", "text")
    return put("     Nothing to confirm: Esc leads back", "text") if needless else ()


def _trouble(sheet: RollbackSheet, width: int, *, asked: bool) -> Lines:
    """At most two lines: why the last key did nothing. ``asked``: there is a question, which has an answer."""
    if sheet.plan is None or (sheet.asks_again and not asked):
        return []
    return wrap(sheet.trouble, width - 1, "warn", indent=5)[:2] if sheet.trouble else []


def _discarded(sheet: RollbackSheet, *, asked: bool) -> Line:
    """How many keys came too early, and what to do where there is something to do."""
    if not sheet.discarded:
        return ()
    then = "press Enter" if sheet.field.text == sheet.target else f"type {sheet.target}"
    then = then if asked and not sheet.sent else ""
    return put(f"     {early.said(sheet.discarded, then, waits=sheet.discards)}", "warn")


def _foreseen(sheet: RollbackSheet, width: int, *, asked: bool) -> Lines:
    """At most two lines: why the next key would do nothing."""
    refusals = sheet.plan.refusals if sheet.plan is not None and not sheet.plan.needless else ()
    if refusals:
        return wrap(f"would be refused: {refusals[0]}", width - 1, "crit", indent=5)[:2]
    if asked and not sheet.armed and not sheet.sent:
        return [put("     keys count in a moment: what is typed before is discarded", "dim")]
    return []


def _elsewhere(state: State, width: int) -> Lines:
    """The same from another terminal, whole, to be typed: what stands beside it gives way; then on two rows."""
    there = f"abaco-ops --root {shlex.quote(state.root)} rollback"
    if shlex.quote(state.root) != state.root:  # two shells read it
        there = shlex.quote(there)
    reach = f"ssh -t {state.host} "
    beside = (
        (" Line drops after Enter: it finishes.", " Line drops: it finishes.", "") if width >= _ASKED_WHOLE else ("",)
    )
    for left in beside:
        for word in ("Elsewhere: ", ""):
            right = f"{word}{reach}{there} "
            if text_width(left) + 2 + text_width(right) <= width:
                return [spread(put(left, "dim"), put(right, "dim"), width)]
    return [fit(put(f" {reach}\\", "dim"), width), fit(put(f" {there}", "dim"), width)]
