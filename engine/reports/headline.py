"""What stands on top: the verdict at the moment, the decision needed, the risk, the next action."""

from __future__ import annotations

from engine.clock import pretty_duration
from engine.monitoring.model import Gate
from engine.notify.message import DRILL_MARK
from engine.operations.outcome import state_word
from engine.records.counted import counted
from engine.reports.alerts import fired
from engine.reports.criteria import NOT_MET, UNKNOWN, Answered, criteria, decided, decision_word, extended_to
from engine.reports.document import Headline
from engine.reports.doings import loss_word, told_whom
from engine.reports.drills import drill_at
from engine.reports.found import Found
from engine.reports.gaps import silences


def headline(found: Found) -> Headline:
    """The top of the report."""
    state = found.state
    if found.span.incident:
        word, why, clears, worsens = _led(found)
    elif state is None:
        word, clears, worsens = "UNKNOWN", "the monitor's next sample", ""
        why = "nothing was measured near this moment" if found.counts else "nothing was measured in this stretch"
    else:
        verdict = state.verdict
        word, why, clears, worsens = verdict.word, verdict.why, verdict.clears, verdict.worsens
    drill = drill_at(found, found.span.end)
    if drill is not None:
        why = f"{DRILL_MARK} ({drill.drill} of {drill.release}): {why}"
    return Headline(word, why, clears, worsens, _decision(found), _risk(found), _action(found, word))


def _led(found: Found) -> tuple[str, str, str, str]:
    """What was judged when the rollback was asked for, then what the rollback did: not what was unknown meanwhile."""
    led, asked_at = found.led, found.asked_at
    if led is None or asked_at is None:
        word, why = "UNKNOWN", "nothing was recorded before the rollback was asked for"
    else:
        before = pretty_duration(max((asked_at - led.at).total_seconds(), 0.0))
        word, why = led.verdict.word, f"{led.verdict.why} (judged {before} before the rollback was asked for)"
    back = next((item for item in found.operations if item.id == found.span.incident), None)
    if back is None:
        return word, why, "", ""
    took = "" if back.seconds is None else f" after {back.seconds:.1f} s"
    way = f"from {back.release_from} to {back.release_to}"
    return word, f"{why}. Then {back.id} {way}: {state_word(back)}{took}; {loss_word(found.incident)[0]}", "", ""


def _decision(found: Found) -> str:
    gate, made = found.span.gate, decided(found)
    if found.span.incident:
        return "Whether the incident is closed, and when the new release is tried again."
    if gate is None:
        following = found.state.next_gate if found.state is not None else None
        if following is not None:
            return _following(found, following)
        return (
            f"None: no decision point is configured for {found.span.title.lower()}."
            if found.span.at != "now"
            else "None now."
        )
    if made is not None:
        note = f": {made.note}" if made.note else ""
        again = extended_to(found, made)
        then = f"; extended, asked again {again:%d %b %H:%M:%SZ}" if again else ""
        return f"{gate.title}: {decision_word(made)}, decided by {made.by} at {made.at:%d %b %H:%M:%SZ}{note}{then}."
    return f"{gate.title}: go or no-go. No decision is recorded."


def _following(found: Found, gate: Gate) -> str:
    """A gate whose time has come is a decision now."""
    due, late = f"{gate.due_at:%d %b %H:%M:%SZ}", (found.span.end - gate.due_at).total_seconds()
    if late < 0:
        return f"None now. Next: {gate.title} at {due}."
    state = "OVERDUE" if gate.state == "overdue" else "DUE"
    return f"{gate.title}: go or no-go, {state} since {due}, {pretty_duration(late)} ago. No decision is recorded."


def _risk(found: Found) -> str:
    told = []
    if found.span.incident:
        told.append(f"Zero loss: {loss_word(found.incident)[0]}")
    answers = criteria(found)
    for answer in (NOT_MET, UNKNOWN):
        names = [item.criterion.title for item in answers if item.criterion.status == answer and not item.waiver]
        if names:
            told.append(f"{answer}: {', '.join(names)}")
    still = [one.condition for one in fired(found) if one.until is None]
    if still:
        told.append(f"{', '.join(still)} still {'fires' if len(still) == 1 else 'fire'}")
    blind = sum((until - since).total_seconds() for since, until in silences(found))
    if blind:
        told.append(f"nothing is known of {pretty_duration(blind)} without samples")
    if found.chain.problem and found.chain.there:
        told.append("the audit trail's chain is broken")
    if found.problems:
        told.append(f"{counted(len(found.problems), 'record')} could not be read")
    told.append(_way_back(found))
    return "; ".join(told) + "."


def _way_back(found: Found) -> str:
    facts, old = found.facts, found.deployment.console.releases.old
    if facts.watching_since is None:
        back = facts.rolled_back_at
        if back:
            return f"back on {old} since {back:%d %b %H:%M:%SZ}: nothing to roll back"
        live = found.state.release if found.state is not None else None
        if live is not None and live != old:
            return f"{live} is live, yet the audit trail holds no cutover"
        return "nothing was cut over"
    if facts.proven_at is None:
        return f"the way back to {old} was never proven"
    ago = pretty_duration(max((found.span.end - facts.proven_at).total_seconds(), 0.0))
    return f"the way back to {old} was {'proven' if facts.proven_ok else 'NOT proven'} {ago} before"


def _action(found: Found, word: str) -> str:
    judged = found.state.matrix if found.state is not None and not found.span.incident else ()
    actions: dict[str, str] = {row.verdict: row.action for row in found.deployment.monitoring.matrix}
    actions |= {row.verdict: row.action for row in judged}  # as it was then: the cause may change the way out
    action = actions.get(word)
    matrix = f"{word}: {action}" if action is not None else word
    if found.span.incident:
        return f"{told_whom(found)}; look through what is listed for replay."
    gate, made = found.span.gate, decided(found)
    if word in ("ROLL BACK", "INVESTIGATE", "UNKNOWN") or gate is None:
        return f"{matrix}."
    if made is not None:
        return f"{matrix}." if made.decision == "go" else f"{gate.otherwise}."
    standing = [item for item in criteria(found) if item.open]
    if standing:
        return f"{gate.otherwise}; or waive with two names: {_names(standing)}."
    return f"Record go or no-go with the names below; until then: {action if action is not None else matrix}."


def _names(standing: list[Answered]) -> str:
    return ", ".join(item.criterion.title for item in standing)
