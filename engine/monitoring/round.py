"""The rounds of the watch: rows of the monitoring log, scheduled validations, the way back proven again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from engine.clock import Clock, Instant, parse_iso
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.checkpoint import Watch
from engine.monitoring.children import Children
from engine.monitoring.log import NOT_RUN, STATUS, MonitoringLog, Row
from engine.monitoring.model import Evaluation
from engine.monitoring.running import Running
from engine.monitoring.schedule import Slot, due_now, log_slots, served, slot_name, validation_slots
from engine.monitoring.shadow import tape_stamp
from engine.monitoring.trail_source import TrailSource
from engine.records import append_event, harmless

VALIDATION, AFRESH, PROOF = "scheduled validation", "validation after a change", "proof of the way back"
SHADOW = "shadow run of the old release"
JUDGED_BY_VALIDATION = ("validation_level", "data_quality_level")
UNWRITTEN_KEPT = 1000
"""Rows kept for a monitoring log that cannot be written."""
Note = Callable[[Instant, Sequence[str]], None]


class Round:
    """What the monitor does beside judging; it keeps nothing that a restart would miss but its children."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._resumed = False
        self._log = MonitoringLog(deployment.paths.monitoring_log)
        self.children = Children(deployment.root, deployment.paths.logs / "monitor.out")
        self._unknown_since: float | None = None
        self._proof_tried = -1e18
        self._validated_for = ("", "", -1e18)
        self._shadowed: tuple[str, float] = ("", -1e18)
        self._shadow_failed = False
        self._log_slots: tuple[datetime | None, tuple[tuple[float, datetime], ...]] = (None, ())

    @property
    def validating(self) -> bool:
        """Whether a validation that the monitor started runs now."""
        return self.children.running(VALIDATION) or self.children.running(AFRESH)

    def stop(self) -> None:
        """End the children."""
        self.children.stop()

    def after(
        self, evaluation: Evaluation, watch: Watch, trail: TrailSource, now: Instant, note: Note, running: Running
    ) -> Watch:
        """What follows from one evaluation; the memory as it is afterwards."""
        for ended in self.children.ended(now.boot):
            if ended.code is None:
                note(now, [f"{ended.name} was killed at its deadline"])
            elif ended.code not in (0, 1):
                note(now, [f"{ended.name} ended with {ended.code}; see logs/monitor.out"])
            if ended.name == SHADOW:
                self._shadow_failed = ended.code != 0
        watch = self._scheduled_validation(evaluation, watch, trail, now, note)
        self._validate_afresh(evaluation, running, now, note)
        self._prove(evaluation, trail, now, note)
        self._shadow(evaluation, now, note)
        rows, watch = self._rows(evaluation, watch, trail, now)
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

    # ---- rows

    def _rows(self, evaluation: Evaluation, watch: Watch, trail: TrailSource, now: Instant) -> tuple[list[Row], Watch]:
        rows, watch = self._slot_rows(evaluation, watch, now)
        for event in trail.new:
            data = event.get("data") or {}
            if event.get("kind") == "validation.finished" and data.get("live", True) is not False:
                rows.append(row_of(evaluation, _at(event, now.wall), str(data.get("status")), _validation_note(data)))
        word = evaluation.verdict.word
        stands = self._stands(evaluation, now)
        if word != watch.logged and stands:
            what = evaluation.verdict.why if word != "CONTINUE" or "pending" in evaluation.verdict.why else ""
            came = f"{watch.logged} -> {word}" if watch.logged else f"monitor started, {word}"
            rows.append(row_of(evaluation, now.wall, STATUS[word], f"{came}: {what}" if what else came))
            watch = msgspec.structs.replace(watch, logged=word)
        return rows, watch

    def _explained(self, evaluation: Evaluation) -> bool:
        """Whether an operation, a first run or a validation under way explains that values are missing."""
        return bool(evaluation.operation or evaluation.waiting) or self.children.running(AFRESH)

    def _stands(self, evaluation: Evaluation, now: Instant) -> bool:
        """UNKNOWN is written once it has stood: every start begins with it, and so does every operation."""
        word = evaluation.verdict.word
        if word != "UNKNOWN" or self._explained(evaluation):
            self._unknown_since = None
            return word != "UNKNOWN"
        if self._unknown_since is None:
            self._unknown_since = now.boot
        console = self._deployment.console
        return now.boot - self._unknown_since >= console.cadence.sample * console.stale_after

    def _slot_rows(self, evaluation: Evaluation, watch: Watch, now: Instant) -> tuple[list[Row], Watch]:
        since = evaluation.cutover_at
        if since is None:
            return [], watch
        done = watch.slot_at if watch.slot_at and watch.slot_at >= since else since - timedelta(microseconds=1)
        if self._log_slots[0] != since:
            self._log_slots = (since, log_slots(self._deployment.checklist, since, self._deployment.console.time_scale))
        slots = self._log_slots[1]
        passed = [(offset, at) for offset, at in slots if done < at <= now.wall]
        rows = []
        for offset, at in passed:
            if (now.wall - at).total_seconds() > self._patience:
                notes = f"MISSED: {slot_name(offset)}, the monitor did not run"
                rows.append(Row(at, None, None, None, None, NOT_RUN, notes))
            else:
                notes = _slot_note(slot_name(offset), evaluation)
                unmade = evaluation.verdict.word == "UNKNOWN" and self._explained(evaluation)
                status = NOT_RUN if unmade else STATUS[evaluation.verdict.word]
                rows.append(row_of(evaluation, now.wall, status, notes))
        return rows, msgspec.structs.replace(watch, slot_at=passed[-1][1]) if passed else watch

    @property
    def _patience(self) -> float:
        return float(self._deployment.console.cadence.sample * self._deployment.console.stale_after)

    # ---- schedule

    def _scheduled_validation(
        self, evaluation: Evaluation, watch: Watch, trail: TrailSource, now: Instant, note: Note
    ) -> Watch:
        since = evaluation.cutover_at
        if since is None:
            return watch
        if watch.counted_from != since:
            watch = msgspec.structs.replace(watch, counted_from=since, begun=0, rerun=0, validating=0)
        scale = self._deployment.console.time_scale
        slots = validation_slots(self._deployment.checklist.schedule, since, scale)
        watch = self._begun_before(watch, trail, slots, now, note)
        due = due_now(slots, now.wall, watch.begun, late_after=self._patience)
        for slot in due.missed:
            if served(slot, trail.facts.validations, self._deployment.console.releases.new) is not None:
                continue  # begun by a monitor that was killed before it could write that down
            self._tell("schedule.missed", {"slot": slot.number, "due": slot.at.isoformat()}, note, now)
        if due.missed:
            watch = msgspec.structs.replace(watch, begun=due.missed[-1].number)
        busy = self.validating or not evaluation.paging
        if due.run is not None and not busy:
            if due.late:
                self._tell("schedule.late", {"slot": due.run.number, "due": due.run.at.isoformat()}, note, now)
            self._validate(now, note)
            return msgspec.structs.replace(watch, begun=due.run.number, validating=due.run.number)
        return watch if busy else self._once_more(watch, trail, now, note)

    def _begun_before(self, watch: Watch, trail: TrailSource, slots: Sequence[Slot], now: Instant, note: Note) -> Watch:
        """A validation that ended with the monitor that had begun it: begun again, or missed when its slot is over."""
        slot = next((slot for slot in slots if slot.number == watch.validating), None)
        if slot is None:
            return watch
        if served(slot, trail.facts.validations, self._deployment.console.releases.new) is not None:
            return msgspec.structs.replace(watch, validating=0)
        if self._resumed or watch.begun != slot.number:
            return watch
        if now.wall < slot.until:
            return msgspec.structs.replace(watch, begun=slot.number - 1, validating=0)
        self._tell("schedule.missed", {"slot": slot.number, "due": slot.at.isoformat()}, note, now)
        return msgspec.structs.replace(watch, validating=0)

    def _once_more(self, watch: Watch, trail: TrailSource, now: Instant, note: Note) -> Watch:
        """At the first decision point a FAIL is run once more."""
        since, points = watch.counted_from, self._deployment.checklist.decisions
        if since is None or not points or watch.begun == 0 or watch.rerun == watch.begun:
            return watch
        scale = self._deployment.console.time_scale
        slots = validation_slots(self._deployment.checklist.schedule, since, scale)
        slot = next((slot for slot in slots if slot.number == watch.begun), None)
        first = since + timedelta(seconds=min(point.at for point in points) / scale)
        if slot is None or slot.at != first:
            return watch
        done = served(slot, trail.facts.validations, self._deployment.console.releases.new)
        if done is None or not done.failed:
            return watch
        self._validate(now, note)
        return msgspec.structs.replace(watch, rerun=watch.begun)

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
        self._validate(now, note, AFRESH)

    @property
    def _pause(self) -> float:
        console = self._deployment.console
        return float((console.cadence.pipeline_run or console.cadence.first_run) * console.stale_after)

    def _validate(self, now: Instant, note: Note, name: str = VALIDATION) -> None:
        command = [sys.executable, "-m", "engine.validation", "run", "--root", str(self._deployment.root)]
        until = now.boot + self._deployment.console.operations.budgets.post_cutover
        self._start(name, [*command, "--scheduled"], until, now, note)

    def _prove(self, evaluation: Evaluation, trail: TrailSource, now: Instant, note: Note) -> None:
        """The way back is proven again while there is one to go."""
        if evaluation.cutover_at is None or not evaluation.paging or self.children.running(PROOF):
            return
        every = self._deployment.console.cadence.prove_way_back
        proven = trail.facts.proven_at
        since_cutover = proven is not None and proven >= evaluation.cutover_at
        fresh = since_cutover and proven is not None and (now.wall - proven).total_seconds() < every
        if fresh or now.boot - self._proof_tried < every:
            return
        self._proof_tried = now.boot
        command = [sys.executable, "-m", "engine.operations.way_back", "--root", str(self._deployment.root)]
        self._start(PROOF, command, now.boot + self._deployment.console.operations.budgets.rollback, now, note)

    def _shadow(self, evaluation: Evaluation, now: Instant, note: Note) -> None:
        """After a cutover the old release computes each tape in the shadow; one that failed is tried again later."""
        if evaluation.cutover_at is None or not evaluation.paging or self.children.running(SHADOW):
            return
        cadence = self._deployment.console.cadence
        stamp, began = self._shadowed
        since = now.boot - began
        if since < cadence.shadow_every:
            return
        found = tape_stamp(self._deployment.tape)
        if found == stamp and not (self._shadow_failed and since >= cadence.prove_way_back):
            return
        self._shadowed = (found, now.boot)
        command = [sys.executable, "-m", "engine.monitoring.shadow", "--root", str(self._deployment.root)]
        self._start(SHADOW, command, now.boot + 2 * cadence.command_deadline, now, note)

    def _start(self, name: str, command: list[str], until: float, now: Instant, note: Note) -> None:
        try:
            self.children.start(name, command, until=until)
        except OSError as error:
            note(now, [f"{name} could not be started: {error.strerror}"])

    def _tell(self, kind: str, data: dict[str, object], note: Note, now: Instant) -> None:
        try:
            append_event(self._deployment.paths.events, kind, data, source="monitor", clock=self._clock)
        except (OpsError, OSError) as error:
            note(now, [f"audit trail: {harmless(error)}"])


def row_of(evaluation: Evaluation, at: datetime, status: str, notes: str) -> Row:
    """A row with what the evaluation measured; stale values are missing ones here."""
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
