"""The rounds of the watch: rows of the monitoring log, scheduled validations, the way back proven again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.clock import Clock, Instant, parse_iso
from engine.config import Deployment
from engine.monitoring.assembly import calendar_of
from engine.monitoring.checkpoint import Watch
from engine.monitoring.children import Children
from engine.monitoring.errands import UPDATE, Errands, Note
from engine.monitoring.log import NOT_RUN, STATUS, MonitoringLog, Row
from engine.monitoring.model import Evaluation
from engine.monitoring.running import Running
from engine.monitoring.schedule import Calendar, Slot, due_now, served, slot_name
from engine.monitoring.trail_source import TrailSource, first_gate_slot
from engine.monitoring.untold import MOST_KEPT, Untold, told, unseen

VALIDATION, AFRESH = "scheduled validation", "validation after a change"
TESTS = "tests of the release"
JUDGED_BY_VALIDATION = ("validation_level", "data_quality_level")
UNWRITTEN_KEPT = 1000
"""Rows kept for a monitoring log that cannot be written."""


class Round:
    """What the monitor does beside judging; it keeps nothing that a restart would miss but its children."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._resumed = False
        self._log = MonitoringLog(deployment.paths.monitoring_log)
        self._fresh = True
        """Whether the monitor has just been made: what the one before had begun may have ended with it."""
        self._rows_due: list[Row] = []
        self._events_due: list[Untold] = []
        self._validated_for = ("", "", -1e18)
        self.errands = Errands(deployment, Children(deployment.root, deployment.paths.logs / "monitor.out"))

    @property
    def validating(self) -> bool:
        """Whether a validation that the monitor started runs now."""
        return self.errands.children.running(VALIDATION) or self.errands.children.running(AFRESH)

    @property
    def log_now(self) -> tuple[int, int | None]:
        """Bytes and inode of the monitoring log."""
        return self._log.size(), self._log.inode()

    def announce(self, kind: str, data: dict[str, Any]) -> None:
        """An event for the audit trail: told once what is decided is kept."""
        self._events_due.append(Untold(kind, data))

    def stop(self) -> None:
        """End the children."""
        self.errands.children.stop()

    def after(
        self, evaluation: Evaluation, watch: Watch, trail: TrailSource, now: Instant, note: Note, running: Running
    ) -> Watch:
        """What follows from one evaluation; the memory as it is afterwards."""
        for ended in self.errands.children.ended(now.boot):
            if ended.code is None:
                note(now, [f"{ended.name} was killed at its deadline"])
            elif ended.name == UPDATE and ended.code == 1:
                note(now, ["a status update could not be sent by every channel; see 7, the events"])
            elif ended.code not in (0, 1):
                note(now, [f"{ended.name} ended with {ended.code}; see logs/monitor.out"])
            self.errands.ended(ended)
        calendar = calendar_of(self._deployment, trail.facts, now.wall)
        if calendar is not None:
            watch = self._scheduled_validation(evaluation, calendar, watch, trail, now, note)
            watch = self._tests(evaluation, watch, trail, now, note)
        self._fresh = False
        self._validate_afresh(evaluation, running, now, note)
        self.errands.run(evaluation, trail, now, note)
        left = (*unseen(watch.untold, trail.new), *self._events_due)[-MOST_KEPT:]
        self._events_due = []
        if left != watch.untold:
            watch = msgspec.structs.replace(watch, untold=left)
        rows, watch = self._rows(evaluation, calendar, watch, trail, now)
        if rows and not watch.unwritten:
            watch = msgspec.structs.replace(watch, log_size=self._log.size())
        return msgspec.structs.replace(watch, unwritten=(*watch.unwritten, *rows)[-UNWRITTEN_KEPT:]) if rows else watch

    def write_rows(self, watch: Watch, now: Instant, note: Note) -> Watch:
        """The rows that are due, in order, once they are remembered: so a crash neither loses nor doubles one.

        What the file does not take now is tried again at the next tick.
        """
        left = watch.unwritten
        try:
            if left and not self._resumed:  # the monitor before may have written some of them
                left = self._log.missing_of(left, watch.log_size)
            self._resumed = True
            while left:
                self._log.append(left[0])
                left = left[1:]
        except OSError as error:
            note(now, [f"logs/monitoring.log: {error.strerror}"])
        if left != watch.unwritten:
            watch = msgspec.structs.replace(watch, unwritten=left, log_size=self._log.size())
        return watch

    def tell(self, watch: Watch, now: Instant, note: Note) -> Watch:
        """Write the events that are due into the trail, once they are remembered."""
        if not watch.untold:
            return watch
        left, problems = told(watch.untold, self._deployment.paths.events, self._clock)
        note(now, problems)
        return msgspec.structs.replace(watch, untold=left)

    # ---- rows

    def _rows(
        self, evaluation: Evaluation, calendar: Calendar | None, watch: Watch, trail: TrailSource, now: Instant
    ) -> tuple[list[Row], Watch]:
        rows, watch = self._slot_rows(evaluation, calendar, watch, now)
        rows += self._rows_due
        self._rows_due = []
        for event in trail.new:
            data = event.get("data") or {}
            if event.get("kind") == "validation.finished" and data.get("live", True) is not False:
                rows.append(row_of(evaluation, _at(event, now.wall), str(data.get("status")), _validation_note(data)))
            if event.get("kind") == "operation.ended" and data.get("kind") == "rollback":
                note = f"{event.get('operation') or 'rollback'} {data.get('state')}"
                status = "WARN" if data.get("state") == "SUCCEEDED" else "FAIL"
                rows.append(row_of(evaluation, _at(event, now.wall), status, note))
        word = evaluation.verdict.word
        stands, watch = self._stands(evaluation, watch, now)
        if word != watch.logged and stands:
            what = evaluation.verdict.why if word != "CONTINUE" or "pending" in evaluation.verdict.why else ""
            came = f"{watch.logged} -> {word}" if watch.logged else f"monitor started, {word}"
            rows.append(row_of(evaluation, now.wall, STATUS[word], f"{came}: {what}" if what else came))
            watch = msgspec.structs.replace(watch, logged=word)
        return rows, watch

    def _explained(self, evaluation: Evaluation) -> bool:
        """Whether an operation, a first run or a validation under way explains that values are missing."""
        return bool(evaluation.operation or evaluation.waiting) or self.errands.children.running(AFRESH)

    def _stands(self, evaluation: Evaluation, watch: Watch, now: Instant) -> tuple[bool, Watch]:
        """UNKNOWN is written once it has stood: every start begins with it, and so does every operation."""
        word = evaluation.verdict.word
        if word != "UNKNOWN" or self._explained(evaluation):
            return word != "UNKNOWN", msgspec.structs.replace(watch, unknown_since=None)
        began = now.boot if watch.unknown_since is None else watch.unknown_since
        return now.boot - began >= self._patience, msgspec.structs.replace(watch, unknown_since=began)

    def _slot_rows(
        self, evaluation: Evaluation, calendar: Calendar | None, watch: Watch, now: Instant
    ) -> tuple[list[Row], Watch]:
        if calendar is None:
            return [], watch
        since = calendar.since
        done = watch.slot_at if watch.slot_at and watch.slot_at >= since else since - timedelta(microseconds=1)
        passed = [(offset, at) for offset, at in calendar.log_slots() if done < at <= now.wall]
        rows = []
        for offset, at in passed:
            if (now.wall - at).total_seconds() > self._patience:
                notes = f"MISSED: {slot_name(offset)}, the monitor did not run"
                rows.append(Row(at, None, None, None, None, NOT_RUN, notes))
            else:
                notes = _slot_note(slot_name(offset), evaluation)
                unmade = evaluation.verdict.word == "UNKNOWN" and self._explained(evaluation)
                status = NOT_RUN if unmade else _status(evaluation)
                rows.append(row_of(evaluation, now.wall, status, notes))
        return rows, msgspec.structs.replace(watch, slot_at=passed[-1][1]) if passed else watch

    @property
    def _patience(self) -> float:
        return float(self._deployment.console.cadence.sample * self._deployment.console.stale_after)

    # ---- schedule

    def _scheduled_validation(
        self,
        evaluation: Evaluation,
        calendar: Calendar,
        watch: Watch,
        trail: TrailSource,
        now: Instant,
        note: Note,
    ) -> Watch:
        watch = _counted_from(calendar, watch)
        slots = calendar.validations()
        due = due_now(slots, now.wall, watch.begun_at, late_after=self._patience)
        begun = self._unfinished(slots, watch, trail) if self._fresh else None
        run, late = due.run, due.late
        if begun is not None and now.wall >= begun.until:
            self.announce("schedule.missed", self._named(begun))
            self._say_missed(begun, calendar)
        elif begun is not None and run is None:
            run, late = begun, True  # it ended with the monitor that had begun it: caught up once
        for slot in due.missed:
            if served(slot, trail.facts.validations, self._deployment.console.releases.new) is not None:
                continue  # begun by a monitor that was killed before it could write that down
            self.announce("schedule.missed", self._named(slot))
            self._say_missed(slot, calendar)
        if due.missed:
            watch = msgspec.structs.replace(watch, begun_at=due.missed[-1].at)
        busy = self.validating or not evaluation.paging
        if run is not None and not busy:
            if late:
                self.announce("schedule.late", self._named(run))
                notes = f"LATE: validation of {slot_name(run.offset)}, due {run.at:%H:%M:%SZ}, runs now"
                self._rows_due.append(row_of(evaluation, now.wall, _status(evaluation), notes))
            self._validate(now, note)
            return msgspec.structs.replace(watch, begun_at=run.at)
        return watch if busy else self._once_more(slots, watch, trail, now, note)

    def _unfinished(self, slots: Sequence[Slot], watch: Watch, trail: TrailSource) -> Slot | None:
        """The slot whose validation the monitor before had begun, and which nothing served."""
        slot = next((slot for slot in slots if slot.at == watch.begun_at), None)
        if slot is None:
            return None
        done = served(slot, trail.facts.validations, self._deployment.console.releases.new)
        return slot if done is None else None

    def _named(self, slot: Slot) -> dict[str, object]:
        number = slot.offset / self._deployment.checklist.schedule.validation_every
        whole = round(number) if abs(number - round(number)) < 1e-9 else round(number, 4)
        return {"slot": whole, "name": slot_name(slot.offset), "due": slot.at.isoformat()}

    def _say_missed(self, slot: Slot, calendar: Calendar) -> None:
        """A checklist slot has a row of its own that says so."""
        if slot.offset not in dict(calendar.log_slots()):
            notes = f"MISSED: {slot_name(slot.offset)} validation, the monitor did not run"
            self._rows_due.append(Row(slot.at, None, None, None, None, NOT_RUN, notes))

    def _once_more(self, slots: Sequence[Slot], watch: Watch, trail: TrailSource, now: Instant, note: Note) -> Watch:
        """At the first decision point a FAIL is run once more."""
        if watch.begun_at is None or watch.rerun_at == watch.begun_at:
            return watch
        slot = first_gate_slot(self._deployment, trail.facts, slots)
        if slot is None or slot.at != watch.begun_at:
            return watch
        new = self._deployment.console.releases.new
        inside = [v for v in trail.facts.validations if slot.at <= v.at < slot.until and v.release == new]
        own = [v for v in inside if v.occasion == "slot"]  # what a person ran calls for no re-run
        if not own or not own[-1].failed or not inside[-1].failed:
            return watch
        self._validate(now, note, occasion="again")
        return msgspec.structs.replace(watch, rerun_at=watch.begun_at)

    def _tests(self, evaluation: Evaluation, watch: Watch, trail: TrailSource, now: Instant, note: Note) -> Watch:
        """The release's own tests run once, shortly before a gate that asks for them."""
        early = self._deployment.checklist.schedule.tests_early / self._deployment.console.time_scale
        gate = next((g for g in evaluation.gates if any(c.id == "tests_pass" for c in g.criteria)), None)
        if gate is None or not evaluation.paging or self.errands.children.running(TESTS):
            return watch
        if (gate.due_at - now.wall).total_seconds() > early:
            return watch
        tested = trail.facts.tested
        answered = tested is not None and tested.at >= gate.due_at - timedelta(seconds=early)
        if answered or (watch.tests_at == gate.due_at and not self._fresh):
            return watch  # one that ended with the monitor before is run again
        command = [sys.executable, "-m", "engine.monitoring.release_tests", "--root", str(self._deployment.root)]
        deadline = 2 * float(self._deployment.console.cadence.command_deadline)
        self.errands.start(TESTS, [*command, "--scheduled"], now.boot + deadline, now, note)
        return msgspec.structs.replace(watch, tests_at=gate.due_at)

    def _validate_afresh(self, evaluation: Evaluation, running: Running, now: Instant, note: Note) -> None:
        """A process or a tape that no validation has judged is validated at once, and once."""
        metrics = {name: condition.metric for name, condition in self._deployment.monitoring.conditions.items()}
        wanted = any(
            reading.needed and reading.reason is not None and metrics.get(reading.id) in JUDGED_BY_VALIDATION
            for reading in evaluation.conditions
        )
        if not wanted or not running.process or not running.ran or self.validating or not evaluation.paging:
            return
        basis, process, began = self._validated_for
        often = process == running.process and now.boot - began < self._pause
        if basis == running.basis or often:  # a tape that changes with each run is not validated without end
            return
        self._validated_for = (running.basis, running.process, now.boot)
        self._validate(now, note, AFRESH, occasion="change")

    @property
    def _pause(self) -> float:
        console = self._deployment.console
        return float((console.cadence.pipeline_run or console.cadence.first_run) * console.stale_after)

    def _validate(self, now: Instant, note: Note, name: str = VALIDATION, occasion: str = "slot") -> None:
        command = [sys.executable, "-m", "engine.validation", "run", "--root", str(self._deployment.root)]
        until = now.boot + self._deployment.console.operations.budgets.post_cutover
        self.errands.start(name, [*command, "--scheduled", "--occasion", occasion], until, now, note)


def _counted_from(calendar: Calendar, watch: Watch) -> Watch:
    """The memory of this cutover's slots; a monitor of before counted hours alone."""
    if watch.counted_from != calendar.since:
        return msgspec.structs.replace(
            watch, counted_from=calendar.since, begun=0, rerun=0, begun_at=None, rerun_at=None, tests_at=None
        )
    if watch.begun_at is None and watch.begun:
        every = float(calendar.config.schedule.validation_every)
        return msgspec.structs.replace(watch, begun_at=calendar.at(watch.begun * every))
    return watch


def _status(evaluation: Evaluation) -> str:
    return STATUS[evaluation.verdict.word]


def row_of(evaluation: Evaluation, at: datetime, status: str, notes: str) -> Row:
    """A row with what the evaluation measured; stale values are missing ones here. What is pending is said."""
    waiting = [f"{c.id} {c.pending}" for c in evaluation.conditions if c.pending and c.pending != c.firing]
    if waiting and "pending" not in notes:
        notes = f"{notes}; pending: {', '.join(waiting)}" if notes else f"pending: {', '.join(waiting)}"
    values = {c.id: c.value if c.reason is None else None for c in evaluation.conditions}
    return Row(at, values.get("LAT"), values.get("ERR"), values.get("MEM"), values.get("CPU"), status, notes)


def _slot_note(slot: str, evaluation: Evaluation) -> str:
    """A quiet row has nothing to say; what fires or is pending says so."""
    word, why = evaluation.verdict.word, evaluation.verdict.why
    return slot if word == "CONTINUE" and "pending" not in why else f"{slot}: {why}"


def _validation_note(data: dict[str, object]) -> str:
    checks = data.get("checks")
    statuses = {str(name): str(status) for name, status in checks.items()} if isinstance(checks, dict) else {}
    passed = sum(status == "PASS" for status in statuses.values())
    others = ", ".join(f"{name} {status}" for name, status in statuses.items() if status != "PASS")
    kind = "scheduled validation" if data.get("scheduled") else "validation"
    return f"{kind} {passed}/{len(statuses)}" + (f": {others}" if others else "")


def _at(event: dict[str, object], otherwise: datetime) -> datetime:
    try:
        return parse_iso(str(event["at"]))
    except (KeyError, ValueError):
        return otherwise
