"""The checklist around now: challenge and response, folded from configuration, answers and measurements. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from engine.config.checklist import RECORDED, ChecklistConfig, CompareSection, Task, Window
from engine.errors import Refused
from engine.monitoring.answers import Answer, Answers
from engine.monitoring.at_hand import OPEN
from engine.monitoring.compared import COMPARED, compared
from engine.monitoring.facts import ChannelsTested, Decided, Facts, Rehearsed, Validation
from engine.monitoring.gates import Course, courses
from engine.monitoring.grounds import Grounds, Measurement, recorded
from engine.monitoring.model import ChecklistItem, Evaluation, Gate, ItemState
from engine.monitoring.schedule import Calendar, slot_name, times


class Moment(msgspec.Struct, frozen=True):
    """What the lines are folded from."""

    now: datetime
    since: datetime | None
    """The end of the cutover that is watched; None: before one, or after the way back."""
    rolled_back_at: datetime | None
    answers: Answers
    evaluation: Evaluation | None
    validations: Sequence[Validation]
    release: str
    """The new release: whose validations count."""
    time_scale: float
    grounds: Grounds | None = None
    """What the records say; None: they were not read, and nothing is filled in from them."""
    proven: tuple[datetime, bool, str] | None = None
    """When, how and with which snapshot the way back was examined last."""
    rehearsed: Rehearsed | None = None
    """The newest rehearsal of a rollback."""
    channels_tested: ChannelsTested | None = None
    """The last test of the alert channels."""
    decisions: Sequence[Decided] = ()
    """Decisions at the gates of this watch, or of the one that was closed."""
    closed_since: datetime | None = None
    """The cutover whose list a rollback has closed, at ``rolled_back_at``."""
    closed_by: str = ""
    """That rollback: operation and reason."""
    change_percent: float = 20.0
    """A KPI that changed by more than this is an anomaly."""


def of_facts(facts: Facts) -> dict[str, object]:
    """The fields of a :class:`Moment` that rest on the audit trail alone."""
    back = facts.rolled_back_at
    closed = facts.cutover_at if back and facts.cutover_at and back >= facts.cutover_at else None
    begin = facts.watching_since or closed
    return {
        "since": facts.watching_since,
        "rolled_back_at": back,
        "answers": facts.answers,
        "validations": facts.validations,
        "proven": facts.proven,
        "rehearsed": facts.rehearsed,
        "channels_tested": facts.channels_tested,
        "decisions": tuple(one for one in facts.decided if begin is not None and one.at >= begin),
        "closed_since": closed,
        "closed_by": facts.rolled_back_by,
    }


class Span(msgspec.Struct, frozen=True):
    """The time of a slot: from its begin to the next one's; ``previous``: the slot before it, of any window."""

    begin: datetime | None = None
    end: datetime | None = None
    previous: datetime | None = None


_JUST_AFTER = timedelta(milliseconds=1)


def items(config: ChecklistConfig, moment: Moment) -> tuple[ChecklistItem, ...]:
    """Every line of the list, in order of time; before a cutover only what comes before it.

    A slot is overdue ``late_after`` its time and missed when the window's next slot has come; what the records
    still tell about it is not missed but overdue: it was measured, and nobody confirmed it.
    """
    found = [item for window in config.windows for item in _window(window, config, moment)]
    if moment.since is not None:
        found += [_gate(course, moment) for course in _courses(config, moment.since, moment)]
    elif moment.closed_since is not None and moment.rolled_back_at is not None:
        found += _closed(config, moment, moment.closed_since, moment.rolled_back_at)
    ahead = datetime.max.replace(tzinfo=moment.now.tzinfo)
    before = datetime.min.replace(tzinfo=moment.now.tzinfo)
    # a gate stands after the tasks of its own slot
    return tuple(
        sorted(found, key=lambda item: (item.due_at or (before if item.slot == "before" else ahead), item.gate))
    )


def unanswered(calendar: Calendar, answers: Answers, after: float, to: float) -> list[str]:
    """Keys of the lines of slots after one offset and up to another that are due and that nobody has answered."""
    found = []
    for window in calendar.config.windows:
        for offset in calendar.offsets(window) if not window.before else ():
            if after < offset <= to and calendar.at(offset) <= calendar.now:
                keys = (f"{window.id}/{offset:g}/{task.id}" for task in window.tasks)
                found += [(offset, key) for key in keys if _newest(answers, key, calendar.since) is None]
    return [key for _, key in sorted(found)]


def find(lines: Sequence[ChecklistItem], key: str) -> ChecklistItem:
    """The line of this key; Refused with the open ones when there is none, or when a rollback has closed it."""
    for item in lines:
        if item.key == key and item.state == "closed":
            raise Refused(f"{item.slot} {item.title} is {item.note}", "a closed list is not answered any more")
        if item.key == key and not item.gate:
            return item
        if item.key == key:
            gate = key.removeprefix("gate/")
            raise Refused(
                f"{item.slot} {gate} is a gate: it is decided by its criteria, not answered",
                f"abaco-ops gate show {gate}; abaco-ops gate go {gate}, or no-go",
            )
    waiting = [item.key for item in lines if item.state in ("due", "overdue") and not item.gate]
    raise Refused(f"the checklist has no line {key!r}", f"open now: {', '.join(waiting[:8]) or 'none'}")


def gate_item(gate: Gate, now: datetime) -> ChecklistItem:
    """The next decision point as a line that says what it would fail on."""
    fails = ", ".join((*gate.would_fail_on, *(f"{name} unknown" for name in gate.unknown)))
    state: ItemState = "later" if gate.due_at > now else "overdue" if gate.state == "overdue" else "due"
    title = f"GATE fails on: {fails}" if fails else "GATE: all criteria met"
    return ChecklistItem(f"gate/{gate.id}", gate.title, title, state, gate.due_at, "", not fails, "", "", True)


def _window(window: Window, config: ChecklistConfig, moment: Moment) -> Iterator[ChecklistItem]:
    if window.before:
        for task in window.tasks:
            yield _before(window, task, moment)
        return
    if moment.since is None:
        return
    calendar = _calendar(config, moment.since, moment)
    slots = tuple(times(window, calendar))
    every_slot = (
        [at for _, at in calendar.log_slots()] if any(due_at <= moment.now for _, due_at, _, _ in slots) else []
    )
    for offset, due_at, late, until in slots:
        for task in window.tasks:
            key = f"{window.id}/{offset:g}/{task.id}"
            answer = _newest(moment.answers, key, moment.since)
            state = _state(answer, moment.now, due_at, late, until)
            earlier = [at for at in every_slot if at < due_at] if state in OPEN else []
            previous = max(earlier, default=None)
            span = Span(due_at, until, previous)
            yield _item(key, slot_name(offset), task, state, span, answer, moment, config.compare)


def next_turn(config: ChecklistConfig, moment: Moment) -> datetime | None:
    """The first moment after ``moment.now`` at which time alone changes a line; None: none will."""
    if moment.since is None:
        return None
    calendar = _calendar(config, moment.since, moment)
    turns = {
        at for window in config.windows if not window.before for slot in times(window, calendar) for at in slot[1:]
    }
    late = timedelta(seconds=config.schedule.late_after / moment.time_scale)
    turns |= {at for course in _courses(config, moment.since, moment) for at in (course.due, course.due + late)}
    # and a moment after each of them: a gate is overdue past its time, and slots are counted in whole numbers
    turns |= {at + _JUST_AFTER for at in turns}
    return min((at for at in turns if at > moment.now), default=None)


def _before(window: Window, task: Task, moment: Moment) -> ChecklistItem:
    key = f"{window.id}/0/{task.id}"
    answer = _newest(moment.answers, key, moment.rolled_back_at if moment.since is None else None)
    if answer is not None:
        state: ItemState = "done" if answer.kind == "done" else "overridden"
    else:
        state = "due" if moment.since is None else "missed"
    return _item(key, "before", task, state, Span(), answer, moment, CompareSection())


def _state(answer: Answer | None, now: datetime, due: datetime, late: datetime, until: datetime) -> ItemState:
    if answer is not None:
        return "done" if answer.kind == "done" else "overridden"
    if now < due:
        return "later"
    if now < late:
        return "due"
    return "overdue" if now < until else "missed"


def _newest(answers: Answers, key: str, not_before: datetime | None) -> Answer | None:
    given = [answer for answer in answers.get(key, ()) if not_before is None or answer.at >= not_before]
    return given[-1] if given else None


def _item(
    key: str,
    slot: str,
    task: Task,
    state: ItemState,
    span: Span,
    answer: Answer | None,
    moment: Moment,
    compare: CompareSection,
) -> ChecklistItem:
    measured: str = ""
    ok: bool | None = None
    if answer is not None:
        measured = answer.measured
    elif state in ("due", "overdue"):
        measured, ok = measure(task, moment, span, compare)
    elif state == "missed" and _still_told(task.measure, moment, span.begin, span.end):
        state = "overdue"
        measured, ok = measure(task, moment, span, compare)
    who, note = (answer.who, answer.note) if answer else ("", "")
    return ChecklistItem(key, slot, task.title, state, span.begin, measured, ok, who, note)


def _still_told(name: str | None, moment: Moment, begin: datetime | None, end: datetime | None) -> bool:
    """Whether records tell about a slot that is over, as no sample of now can."""
    if name == "validation":
        return bool(_inside(moment, begin, end))
    return name in RECORDED and moment.grounds is not None


def measure(task: Task, moment: Moment, span: Span, compare: CompareSection) -> Measurement:
    """What the console measured for a task, and whether it is as it should be; empty: a person answers."""
    name = task.measure
    if name is None:
        return "", None
    if name == "baseline":
        return _baseline(moment.evaluation)
    if name == "channels":
        return _channels(moment.channels_tested)
    if name in RECORDED:
        if moment.grounds is None:
            return "", None
        return recorded(
            name,
            moment.grounds,
            least=task.least,
            proven=moment.proven,
            back=moment.rolled_back_at,
            rehearsed=moment.rehearsed,
        )
    if name in COMPARED:
        return compared(name, moment.evaluation, span.previous, compare, moment.change_percent)
    special: Mapping[str, Callable[[], Measurement]] = {
        "validation": lambda: _validation(moment, span.begin, span.end),
        "kpis": lambda: _kpis(moment.evaluation),
    }
    return special[name]() if name in special else _condition(name, moment.evaluation)


def _channels(tested: ChannelsTested | None) -> Measurement:
    if tested is None:
        return "records: never tested (abaco-ops notify test)", False
    when = f"tested {tested.at:%d %b %H:%M:%SZ}"
    if tested.failed:
        return f"{when}: {', '.join(tested.failed)} FAILED", False
    return f"{when}: {', '.join(tested.channels)} ok", True


def _baseline(evaluation: Evaluation | None) -> Measurement:
    found = evaluation.baseline if evaluation else None
    if found is None:
        return "monitor: no baseline yet", False
    return f"monitor: {found.runs} runs of {found.release} at {found.recorded_at:%H:%M:%S}Z", True


def _inside(moment: Moment, begin: datetime | None, end: datetime | None) -> list[Validation]:
    return [
        v
        for v in moment.validations
        if v.release == moment.release and (begin is None or v.at >= begin) and (end is None or v.at < end)
    ]


def _validation(moment: Moment, begin: datetime | None, end: datetime | None) -> tuple[str, bool | None]:
    inside = _inside(moment, begin, end)
    if not inside:
        return "no validation in this slot yet", False
    last = inside[-1]
    return f"{last.status} {last.passed_checks} at {last.at:%H:%M:%S}Z", last.status == "PASS"


def _kpis(evaluation: Evaluation | None) -> tuple[str, bool | None]:
    if evaluation is None or not evaluation.kpis:
        return "missing", False
    out = [kpi.id for kpi in evaluation.kpis if not kpi.in_range or kpi.stale]
    return (f"not in range or missing: {', '.join(out)}", False) if out else ("all in range", True)


def _condition(name: str, evaluation: Evaluation | None) -> tuple[str, bool | None]:
    reading = next((item for item in evaluation.conditions if item.id == name), None) if evaluation else None
    if reading is None or reading.reason is not None:
        return f"missing: {reading.reason}" if reading else "missing", False
    at = f" at {reading.observed_at:%H:%M:%S}Z" if reading.observed_at else ""
    # free disk is judged as a ratio; a person reads what the gauge says
    gauge = next((item for item in evaluation.resources if item.id == name), None) if evaluation else None
    text = gauge.text.removesuffix(" free") if gauge is not None and gauge.text else reading.text
    return f"{text}{at}", reading.level == "ok"


def _calendar(config: ChecklistConfig, since: datetime, moment: Moment) -> Calendar:
    gone = {one.gate: one.at for one in moment.decisions if one.decision == "go"}
    return Calendar(config, since, moment.time_scale, moment.now, gone)


def _courses(config: ChecklistConfig, since: datetime, moment: Moment) -> tuple[Course, ...]:
    return courses(config, since, moment.now, moment.time_scale, moment.decisions)


def _gate(course: Course, moment: Moment) -> ChecklistItem:
    point, decided = course.point, course.decided
    key, slot = f"gate/{point.id}", slot_name(point.at)
    if decided is not None and course.state == "go":
        waived = f"; waived: {', '.join(one.criterion for one in decided.waivers)}" if decided.waivers else ""
        return ChecklistItem(
            key, slot, f"GATE {point.title}: GO{waived}", "done", course.due, "", True, decided.by, decided.note, True
        )
    gates = moment.evaluation.gates if moment.evaluation else ()
    gate = next((gate for gate in gates if gate.id == point.id), None)
    states: dict[str, ItemState] = {"due": "due", "overdue": "overdue"}
    state = states.get(course.state, "later")
    item = ChecklistItem(key, slot, f"GATE {point.title}", state, course.due, "", None, "", "", True)
    if gate is not None:
        item = msgspec.structs.replace(gate_item(gate, moment.now), slot=slot, state=state, due_at=course.due)
    if decided is None:
        return item
    note = f"NO-GO {decided.at:%d %b %H:%M:%SZ}" + (f": {decided.note}" if decided.note else "")
    return msgspec.structs.replace(item, who=decided.by, note=f"{note}; asked again {course.due:%d %b %H:%M:%SZ}")


def _closed(config: ChecklistConfig, moment: Moment, since: datetime, back: datetime) -> Iterator[ChecklistItem]:
    """The lines of a watch that a rollback ended, as they stood: nobody answers them any more."""
    told = f"closed: rolled back {back:%d %b %H:%M:%SZ}, {moment.closed_by or 'operation unknown'}"
    calendar = replace(_calendar(config, since, moment), now=back)
    for window in config.windows:
        if window.before:
            continue
        for offset in calendar.offsets(window):
            due = calendar.at(offset)
            for task in window.tasks if due <= back else ():
                key = f"{window.id}/{offset:g}/{task.id}"
                given = [one for one in moment.answers.get(key, ()) if since <= one.at <= back]
                if given:
                    state: ItemState = "done" if given[-1].kind == "done" else "overridden"
                    yield ChecklistItem(
                        key,
                        slot_name(offset),
                        task.title,
                        state,
                        due,
                        given[-1].measured,
                        None,
                        given[-1].who,
                        given[-1].note,
                    )
                else:
                    yield ChecklistItem(key, slot_name(offset), task.title, "closed", due, "", None, "", told)
