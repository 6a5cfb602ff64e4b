"""The cutover sheet: the few facts that matter, Cancel in hand, a reason required."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.operations.plan import Evidence, Plan
from engine.state.model import State
from tui.commands.command import key_of
from tui.field import EMPTY, Field
from tui.lines import Line, Lines, Role, block, clause, cut_short, fit, join, put, width_of, wrap
from tui.look import Look
from tui.sheets import grounds
from tui.sheets.early import ARM_AFTER
from tui.words import ago, rests_on, seconds

TALLEST = 24
"""Rows of the sheet on a large screen: the question stays near its facts."""
Place = Literal["cancel", "reason", "go", "hold"]
_PLACES: tuple[Place, ...] = ("cancel", "reason", "go", "hold")


@dataclass(frozen=True, slots=True)
class CutoverSheet:
    """What has been filled in; ``place`` is what Enter acts on, Cancel at first."""

    place: Place = "cancel"
    reason: Field = EMPTY
    since_turn: float = 0.0
    """Seconds since the place in hand changed: a doubled Enter is not a second one."""
    plan: Plan | None = None
    trouble: str = ""
    sent: bool = False
    hasty: bool = False
    """Enter came too soon, and no key has counted since."""
    changed: str = ""
    """What has happened since the sheet was opened that made its facts others."""
    looking: bool = False
    """The facts shown are of the past; new ones are on their way."""

    def outdated(self, changed: str) -> CutoverSheet:
        """The facts are of the past: the reason stays, and nothing is confirmed before the new ones are read."""
        return replace(self, changed=changed, looking=True, since_turn=0.0)

    @property
    def armed(self) -> bool:
        """Whether Enter counts here."""
        return self.since_turn >= ARM_AFTER and not self.sent

    @property
    def early(self) -> bool:
        """Whether an Enter that is pressed now comes too soon: to be read is what it would confirm."""
        unread = self.looking or (self.plan is None and not self.trouble)
        return not self.sent and (unread or self.since_turn < ARM_AFTER)

    def too_soon(self) -> CutoverSheet:
        """After such an Enter. Why there is no plan stays said."""
        return replace(self, hasty=True, trouble="" if self.plan is not None else self.trouble)

    def turned(self, steps: int) -> CutoverSheet:
        """The next or the previous place."""
        index = (_PLACES.index(self.place) + steps) % len(_PLACES)
        return replace(self, place=_PLACES[index], since_turn=0.0, trouble="", hasty=False)

    def key(self, name: str, character: str | None) -> CutoverSheet | None:
        """The sheet after a key. A letter typed on another place is the reason's: nothing else here takes text."""
        if self.place != "reason" and (character is None or not character.isalnum()):
            return None
        after = self.reason.key(name, character)
        if after is None:
            return None
        since_turn = self.since_turn if self.place == "reason" else 0.0
        return replace(self, place="reason", since_turn=since_turn, reason=after, trouble="", hasty=False)

    def wrong(self) -> str:
        """Why the cutover may not begin now; empty when it may."""
        if self.sent:
            return "already on its way"
        if self.early:
            return "Enter came too soon: the plan is not there yet, or not read"
        if self.plan is None:
            return self.trouble
        if self.plan.refusals:
            return f"refused: {self.plan.refusals[0]}"
        if len(self.reason.text.strip()) < 3:
            return "a reason is required"
        return ""


def draw(sheet: CutoverSheet, state: State, width: int, height: int, look: Look) -> Lines:
    """The sheet at exactly ``width`` x ``height``."""
    tall = min(height, TALLEST)
    old, new = state.releases[0], state.releases[-1]
    rule = look.glyphs.rule
    words = f"{old.name} {old.build}  {look.glyphs.arrow}  {new.name} {new.build}"
    head = join(put(rule + " ", "faint"), put("CUT OVER", "strong"), "   ", put(words, "text"), " ")
    top = [(), join(head, put(rule * max(width - width_of(head), 0), "faint")), ()]
    bottom = [(), *_answers(sheet, width, look), *(_message(sheet, width) or [()])]
    room = max(tall - len(top) - len(bottom), 0)
    told = grounds.lines(state, sheet.changed, look.now, width, looking=sheet.looking)
    facts: Lines = [*told, *_facts(sheet, state, width, look), ()]
    middle = [*facts, *cut_short(_evidence(sheet, state), room - len(facts), "abaco-ops cutover --dry-run")]
    drawn = [*top, *block(middle, width, room), *bottom][-tall:]
    return block(drawn, width, height)


def _fact(label: str, text: str) -> Line:
    return join(fit(put(f" {label}", "dim"), 15), put(text, "text"))


def _facts(sheet: CutoverSheet, state: State, width: int, look: Look) -> Lines:
    plan = sheet.plan
    if plan is None:
        return [_fact("Plan", sheet.trouble or "is being made ...")]
    names = ", ".join(change.key for change in plan.changes)
    count = "1 key differs" if len(plan.changes) == 1 else f"{len(plan.changes)} keys differ"
    changes = f"config {plan.config_now[:6]} to {plan.config_then[:6]}, {count}: {names}" if names else "no key differs"
    phases = list(dict.fromkeys(step.phase for step in plan.steps))
    spent = f"about {seconds(plan.expected_seconds)}: " if plan.expected_seconds is not None else ""
    own = [step.title for step in plan.steps if step.own]
    return [
        _fact("Changes", clause(changes, width - 16) or changes),
        _fact("Takes", f"{spent}{len(plan.steps)} steps, {len(phases)} phases; verified snapshots on the way"),
        *([_fact("Your steps", f"{len(own)}: {', '.join(own)}")] if own else []),
        join(fit(put(" Evidence", "dim"), 15), _validated(state, plan, look)),
        _fact("No return", f"{plan.release_to}'s first start: a failure before it undoes everything"),
        _fact("Way back", f"{_way_back(plan)}; {rests_on(state.way_back, look.ago)}"),
    ]


def _way_back(plan: Plan) -> str:
    return f"{key_of('rollback')}, {plan.release_from}, Enter; at any time"


def _validated(state: State, plan: Plan, look: Look) -> Line:
    """In plain words: is there a validation, did it pass, and is it new enough to rest on."""
    if state.release == plan.release_to:
        return put(f"none: {plan.release_to} is live already, there is nothing to cut over", "crit")
    if (runs := grounds.busy(state)) is not None:
        return put(f"none asked: nothing else begins while {runs.id} runs", "warn")
    checks = state.checks
    itself = any(step.name.startswith("validate") for step in plan.steps)
    more = "; the cutover runs its own first" if itself else f"; Esc, then {key_of('validate')} runs one"
    if checks.observed_at is None:
        return put(f"no validation of {plan.release_from} yet{more}", "warn")
    said = f"validation {checks.status}, {ago(checks.observed_at, look.now)}"
    if checks.release and checks.release != plan.release_from:
        return put(f"{said}, but of {checks.release}{more}", "warn")
    if checks.stale:
        return put(f"{said}: too old{more}", "warn")
    return put(said, "text" if checks.status == "PASS" else "crit")


def _evidence(sheet: CutoverSheet, state: State) -> Lines:
    lines: Lines = []
    marks: dict[str, Role] = {"no": "crit", "--": "dim", "ok": "dim"}
    found = grounds.not_said_live(sheet.plan.evidence, state) if sheet.plan else ()
    against = sheet.plan.unready if sheet.plan else ""
    for item in sorted(_not_said_above(found), key=lambda item: (item.mark != "no", item.text != against)):
        unready = item.text == against
        text = put(item.text, "crit" if item.mark == "no" else "warn" if unready else "text")
        lines.append(join(fit(put(f" {item.mark}", marks[item.mark]), 5), fit(put(item.name, "dim"), 17), " ", text))
    return lines


def _not_said_above(found: tuple[Evidence, ...]) -> list[Evidence]:
    """Without what stands in the facts already, where it is live."""
    return [item for item in found if item.name != "validation" and (item.name != "rehearsal" or item.mark != "ok")]


def _answers(sheet: CutoverSheet, width: int, look: Look) -> Lines:
    mark = look.glyphs.here
    reason = join(
        put(f"   {mark if sheet.place == 'reason' else ' '} Reason   ", "text"),
        sheet.reason.draw(max(width - 20, 20), look.glyphs.caret, active=sheet.place == "reason"),
    )
    cancel = put(" Cancel ", "band-env" if sheet.place == "cancel" else "dim")
    go = put(" Cut over ", "band-WATCH" if sheet.place == "go" else "dim")
    hold = put(" Hold before the switch ", "band-env" if sheet.place == "hold" else "dim")
    buttons = join(
        f"   {mark if sheet.place == 'cancel' else ' '} ",
        cancel,
        f"    {mark if sheet.place == 'go' else ' '} ",
        go,
        f"    {mark if sheet.place == 'hold' else ' '} ",
        hold,
    )
    return [fit(reason, width), fit((), width), fit(buttons, width)]


def _message(sheet: CutoverSheet, width: int) -> Lines:
    if sheet.sent:
        return [put("     sent", "info")]
    if sheet.trouble and sheet.plan is not None:
        return wrap(sheet.trouble, width - 1, "warn", indent=5)[:2]
    if sheet.hasty:
        refused = sheet.plan.refusals if sheet.plan is not None else sheet.trouble
        again = "" if refused else "; read, then press it again"
        return [put(f"     Enter came too soon: discarded{again}", "warn")]
    return [put("     phases 0 to 2, then it waits for your go", "dim")] if sheet.place == "hold" else []
