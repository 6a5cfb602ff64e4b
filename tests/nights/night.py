"""One night played: the real monitor against the oracle, tick by tick, then row by row."""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from oracle import PAGES, Judged, Oracle
from story import Story
from world import make, played

from engine.monitoring import round as rounds
from engine.monitoring.log import MonitoringLog
from engine.monitoring.model import Evaluation
from engine.monitoring.monitor import Monitor
from engine.monitoring.store import SampleStore

SLOTS = sorted(
    {k * 1800.0 for k in range(11)}
    | {k * 3600.0 for k in (5, 6, 7, 8, 10, 12, 14, 16, 20, 24)}
    | {k * 3600.0 for k in range(28, 169, 4)}
    | {k * 86400.0 for k in range(2, 29)}
)
"""The checklist's slots as the facts have them, in seconds from the cutover."""
GATES = {"hour-1": 3600.0, "hour-8": 8 * 3600.0, "hour-24": 86400.0, "day-7": 7 * 86400.0, "day-28": 28 * 86400.0}
CRITERIA = {
    "latency below 100": "LAT",
    "memory below 200": "MEM",
    "errors below 0 1": "ERR",
    "no critical event": "any",
}
GO_IF = {
    "hour-1": ("latency below 100", "memory below 200", "errors below 0 1"),
    "hour-8": ("no critical event",),
    "hour-24": ("errors below 0 1",),
    "day-7": ("errors below 0 1", "no critical event"),
    "day-28": (),
}
"""Of each decision point, the criteria that rest on samples alone."""
_ROW = re.compile(r"^(\d\d:\d\d) +\|.*\| (PASS|WARN|FAIL|ERROR|NOT RUN) +\| ?(.*)$")
_SLOT = re.compile(r"^(MISSED: )?(T\+\d+(?::\d\d)?|day \d+)(?:,|:|$)")
_CHANGE = re.compile(r"^(?:(ROLL BACK|INVESTIGATE|UNKNOWN|WATCH|CONTINUE) -> |monitor started, )([A-Z ]+?)(?::|$)")
STATUS = {"CONTINUE": "PASS", "WATCH": "WARN", "INVESTIGATE": "FAIL", "ROLL BACK": "FAIL", "UNKNOWN": "ERROR"}


class Killed(BaseException):
    """The monitor was killed at this very place."""


@dataclass
class Result:
    """What one night gave."""

    seed: int
    samples: int = 0
    faults: int = 0
    verdicts: int = 0
    pages: int = 0
    missed: int = 0
    false: int = 0
    rows: int = 0
    rows_lost: int = 0
    gates: int = 0
    wrong: list[str] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)

    def said(self, text: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(text)


@dataclass
class Pages:
    """Which pages are open, as one side has it."""

    open: set[str] = field(default_factory=set)

    def opened(self, word: str, firing: dict[str, str]) -> set[str]:
        now = {f"{name} {tier}" for name, tier in firing.items() if tier in PAGES}
        now |= {"NODATA"} if firing.get("NODATA") else set()
        now |= {"UNKNOWN"} if word == "UNKNOWN" else set()
        new, self.open = now - self.open, now
        return new


class Night:
    """Plays one story."""

    def __init__(self, story: Story, root: Path) -> None:
        self.story, self.world = story, make(story, root)
        self.oracle = Oracle(self.world)
        self.result = Result(story.seed, faults=len(story.faults))
        self.luck = random.Random(story.seed + 2)
        self.judged: list[Judged] = []
        self.theirs, self.ours = Pages(), Pages()
        self.monitor = self._monitor()
        self.every_tick: Any = None
        self.tick_seconds = 0.0
        self.moments: list[tuple[float, str, float, str]] = []
        self.gates: dict[str, tuple[Judged, Evaluation]] = {}
        """The last sample before each decision point was past."""

    def _monitor(self) -> Monitor:
        deployment = self.world.deployment
        monitor = Monitor(deployment, self.world, SampleStore(deployment.paths.samples), self.world.clock)
        monitor.round.errands.children = self.world  # type: ignore[assignment]
        return monitor

    def play(self) -> Result:
        """The whole night."""
        with played(self.world):
            self._before()
            self.moments = moments = sorted(
                [(at, "suspend", seconds, "") for at, seconds in self.story.suspends]
                + [(at, "step", seconds, "") for at, seconds in self.story.steps]
                + [(at, "restart", seconds, how) for at, seconds, how in self.story.restarts]
            )
            end = max([self.story.hours * 3600, *(f.end + 600 for f in self.story.faults if f.kind == "log_full")])
            while self.world.age < end:
                self.world.advance(round(self.story.cadence * (1 + self.luck.uniform(0, self.story.jitter)), 3))
                while moments and moments[0][0] <= self.world.age:
                    self._happens(*moments.pop(0)[1:])
                self._sample()
            self.monitor.stop()
        self._check_rows()
        self._check_schedule()
        self._check_gates()
        self._check_alerts()
        return self.result

    def _before(self) -> None:
        world = self.world
        world.advance(self.story.run_every * 6)
        for _ in range(2):
            world.advance(self.story.cadence)
            self.monitor.tick()
        now = world.clock.now()
        world.cut_over()
        self.oracle.cut_over(world.clock.wall)
        self.oracle.read = sum(run.release == "v1" for run in world.runs)
        self.oracle.tick_before = (now.boot, now.wall)

    def _happens(self, what: str, seconds: float, how: str) -> None:
        if what == "suspend":
            self.world.suspend(seconds)
        elif what == "step":
            self.world.step(seconds)
        else:
            self._restart(seconds, how)

    def _restart(self, seconds: float, how: str) -> None:
        if how == "inside":
            with _killed(self.luck.choice(("before", "after", "rows"))) as place:
                try:
                    self.monitor.tick()
                except Killed:
                    pass
                else:  # no row was due: it was killed as soon as it had written everything
                    place = "after"
            if place != "before":
                found = SampleStore(self.world.deployment.paths.samples)
                self._compare(found.newest_evaluation())
                found.close()
        if how == "asked":
            self.monitor.stop()
        else:
            self.world.monitor_died()
            self.monitor._store.close()
        self.world.advance(seconds / 2)
        if self.moments and self.moments[0][1] == "step" and self.luck.random() < 0.5:
            self.world.step(self.moments.pop(0)[2])  # while nobody looks
        self.world.advance(seconds / 2)
        self.monitor = self._monitor()
        self.oracle.monitor_restarted()

    def _sample(self) -> None:
        world = self.world
        chance = self.luck.random()
        if chance < self.story.loss * 0.4:
            return  # the monitor did not come to it
        world.lost = "process" if chance < self.story.loss * 0.8 else "status" if chance < self.story.loss else ""
        began = time.process_time()
        evaluation = self.monitor.tick()
        self.tick_seconds = time.process_time() - began
        self._compare(evaluation)
        world.lost = ""
        if self.every_tick is not None:
            self.every_tick(self, evaluation)

    # ---- the verdicts

    def _compare(self, evaluation: Evaluation | None) -> None:
        assert evaluation is not None
        growth = next(c for c in evaluation.conditions if c.id == "MEMG")
        received = growth.reason is None and growth.observed_at == self.world.clock.wall
        judged = self.oracle.tick(growth.value if received else None)
        self.judged.append(judged)
        result = self.result
        result.samples += len(evaluation.conditions)
        result.verdicts += 1
        result.words[judged.word] += 1
        firing = {c.id: c.firing for c in evaluation.conditions if c.firing}
        unknown = tuple(sorted(c.id for c in evaluation.conditions if c.needed and c.reason is not None))
        expected, found = (
            self.ours.opened(judged.word, judged.firing),
            self.theirs.opened(evaluation.verdict.word, firing),
        )
        result.pages += len(expected)
        result.missed += len(expected - found)
        result.false += len(found - expected)
        alerts = {alert.condition for alert in evaluation.alerts}
        ours = (judged.word, judged.firing, tuple(sorted(judged.unknown)))
        if (evaluation.verdict.word, firing, unknown) != ours or alerts != set(firing):
            result.said(
                f"{self._when()}: {judged.word} {judged.firing} unknown {sorted(judged.unknown)} expected; "
                f"the monitor says {evaluation.verdict.word} {firing} unknown {list(unknown)} alerts {sorted(alerts)}"
            )

        if evaluation.next_gate is not None:
            self.gates[evaluation.next_gate.id] = (judged, evaluation)

    def _when(self) -> str:
        return f"T+{self.world.age / 3600:.4f} h ({self.world.clock.wall:%d %H:%M:%S})"

    # ---- the rows

    def _check_rows(self) -> None:
        rows = _rows(self.world.deployment.paths.monitoring_log)
        found: dict[str, list[tuple[bool, str]]] = {}
        changes: list[str] = []
        validations = 0
        chain = ""
        for status, notes in rows:
            if (match := _SLOT.match(notes)) is not None:
                found.setdefault(match[2], []).append((match[1] is not None, status))
            elif (change := _CHANGE.match(notes)) is not None:
                if change[1] and change[1] != chain:
                    self.result.said(f"the log says {notes!r} after {chain}")
                chain = change[2]
                changes.append(chain)
            validations += bool(re.match(r"(scheduled )?validation \d/5", notes))
        expected = self._slots_expected()
        for name, (missed, status) in expected.items():
            self.result.rows += 1
            have = found.pop(name, [])
            good = len(have) == 1 and have[0][0] == missed and have[0][1] in status
            if not good:
                self.result.rows_lost += 1
                self.result.said(f"slot {name}: one row {'MISSED' if missed else status} expected, the log has {have}")
        for name, have in found.items():
            self.result.said(f"slot {name} was not due, and the log has {have}")
        due = [v for v in self.world.validations if v.at <= self.judged[-1].wall or v.boot <= self.judged[-1].boot]
        self.result.rows += len(due)
        if validations != len(due):
            self.result.rows_lost += abs(len(due) - validations)
            self.result.said(f"{len(due)} validations ended, the log has {validations} rows of one")
        self._check_changes(changes)

    def _check_changes(self, changes: list[str]) -> None:
        """Every change of the verdict has its row; UNKNOWN only once it has stood, so it is left aside."""
        words = _collapsed(j.word for j in self.judged if j.word != "UNKNOWN")
        told = _collapsed(word for word in changes if word != "UNKNOWN")
        if told[-len(words) :] != words:
            self.result.rows_lost += 1
            self.result.said(f"changes of the verdict: {words} expected, the log has {told}")

    def _slots_expected(self) -> dict[str, tuple[bool, tuple[str, ...]]]:
        since, patience = self.oracle.cutover_at, 3.5 * self.story.cadence
        expected: dict[str, tuple[bool, tuple[str, ...]]] = {}
        ahead = [(offset, since + timedelta(seconds=offset)) for offset in SLOTS]
        for judged in self.judged:
            while ahead and ahead[0][1] <= judged.wall:
                offset, at = ahead.pop(0)
                missed = (judged.wall - at).total_seconds() > patience
                status = ("NOT RUN",) if missed else (STATUS[judged.word],)
                if not missed and judged.word == "UNKNOWN":
                    status = ("ERROR", "NOT RUN")
                expected[_name(offset)] = (missed, status)
        return expected

    # ---- the gates

    def _check_gates(self) -> None:
        """Each decision point was the next one until its time, and said what the oracle would say."""
        last, since = max(judged.wall for judged in self.judged), self.oracle.cutover_at
        for name, offset in GATES.items():
            due = since + timedelta(seconds=offset)
            if due > last or name not in self.gates:
                continue
            self.result.gates += 1
            judged, evaluation = self.gates[name]
            gate = evaluation.next_gate
            assert gate is not None
            said = {word: "fails" for word in gate.would_fail_on} | {word: "unknown" for word in gate.unknown}
            for criterion, condition in CRITERIA.items():
                if criterion in GO_IF[name] and said.get(criterion, "met") != judged.target.get(condition, "met"):
                    self.result.said(f"gate {name}: {criterion} {said.get(criterion)}, expected {judged.target}")
            if gate.due_at != due:
                self.result.said(f"gate {name} is due {gate.due_at}, expected {due}")

    # ---- the alerts

    def _check_alerts(self) -> None:
        """Where the audit trail has alerts, each page has one open at its time, and each alert has its reason."""
        lines = self.world.deployment.paths.events.read_text().splitlines()
        events = [event for line in lines if (event := json.loads(line))["kind"] in ("alert.opened", "alert.cleared")]
        if not events:
            return
        slack = 2.5 * self.story.cadence
        opened = [(e["boot"], e["data"]["condition"], e["data"].get("tier")) for e in events if "opened" in e["kind"]]
        cleared = [(e["boot"], e["data"]["condition"]) for e in events if "cleared" in e["kind"]]
        before: dict[str, str] = {}
        for judged in self.judged:
            for name, tier in judged.firing.items():
                if tier not in PAGES or before.get(name) == tier:
                    continue
                told = [at for at, condition, _ in opened if condition == name and at <= judged.boot + slack]
                over = [at for at, condition in cleared if condition == name and at < judged.boot - slack]
                if not told or (over and over[-1] > told[-1]):
                    self.result.missed += 1
                    self.result.said(f"no alert is open for {name} {tier} at {judged.wall:%d %H:%M:%S}")
            before = judged.firing
        for at, name, tier in opened:
            near = (j.firing.get(name) for j in self.judged if abs(j.boot - at) <= slack)
            if tier in PAGES and not any(found in PAGES for found in near):
                self.result.false += 1
                self.result.said(f"an alert was opened for {name} {tier} at boot {at:.0f}, and nothing fired")

    # ---- the schedule

    def _check_schedule(self) -> None:
        events = [json.loads(line) for line in self.world.deployment.paths.events.read_text().splitlines()]
        missed = Counter(e["data"]["slot"] for e in events if e["kind"] == "schedule.missed")
        late = Counter(e["data"]["slot"] for e in events if e["kind"] == "schedule.late")
        killed = any(how == "inside" for _, _, how in self.story.restarts)
        since, patience = self.oracle.cutover_at, 3.5 * self.story.cadence
        begun = [wall for name, _, wall in self.world.begun if name == rounds.VALIDATION]
        last = max(j.wall for j in self.judged)
        for number in range(1, 25):
            at, until = since + timedelta(hours=number), since + timedelta(hours=number + 1)
            first = next((j.wall for j in self.judged if j.wall >= at), None)
            if first is None or first > last - timedelta(seconds=120 + 4 * self.story.cadence):
                continue
            starts = [wall for wall in begun if at <= wall < until]
            self.result.rows += 1
            ended = [v.at for v in self.world.validations if at <= v.at < until and v.release == "v2"]
            if first >= until:
                good = bool(missed[number]) != bool(ended) and (bool(ended) or not late[number])
            else:
                room = (until - first).total_seconds() < 60 + 3 * self.story.cadence
                cut_short = self._cut_short(at, until, starts, missed[number])
                good = (bool(starts) and not missed[number]) or room or cut_short
                if starts:
                    said_late = bool(late[number]) == ((starts[0] - at).total_seconds() > patience)
                    good = good and (said_late or killed) and self._ended(at, until, starts)
            if not good or (missed[number] > 1 and not killed):
                self.result.rows_lost += 1
                self.result.said(
                    f"validation slot {number}: first sample {first:%d %H:%M:%S}, late {late[number]}, missed "
                    f"{missed[number]}, begun {[f'{s:%H:%M:%S}' for s in starts]}, "
                    f"ended {[f'{s:%H:%M:%S}' for s in ended]}"
                )

    def _cut_short(self, at: datetime, until: datetime, starts: list[datetime], missed: int) -> bool:
        """Begun, ended with its monitor, and the slot was over before there was another one."""
        return bool(starts) and missed >= 1 and not any(at <= v.at < until for v in self.world.validations)

    def _ended(self, at: datetime, until: datetime, starts: list[datetime]) -> bool:
        """A validation that was begun in a slot ends in it, unless time itself was moved or the slot was over."""
        if any(at <= v.at < until for v in self.world.validations if v.release == "v2"):
            return True
        moved = self.story.suspends or self.story.steps
        return bool(moved) or (until - starts[-1]).total_seconds() < 60 or self._cut_short(at, until, starts, 1)


def _collapsed(words: Iterator[str] | Any) -> list[str]:
    found: list[str] = []
    for word in words:
        if not found or found[-1] != word:
            found.append(word)
    return found


def _rows(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(match[2], match[3]) for line in lines if (match := _ROW.match(line))]


def _name(offset: float) -> str:
    minutes = round(offset / 60)
    if offset > 48 * 3600 and offset % 86400 == 0:
        return f"day {round(offset / 86400)}"
    return f"T+{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")


@contextmanager
def _killed(place: str) -> Iterator[str]:
    """The next tick is killed before it writes anything down, right after, or between two rows."""
    commit, write = SampleStore.append, MonitoringLog.append

    def append(store: SampleStore, *parts: Any) -> None:
        if place == "after":
            commit(store, *parts)
        raise Killed

    def row(log: MonitoringLog, one: Any) -> None:
        write(log, one)
        raise Killed

    if place == "rows":
        MonitoringLog.append = row  # type: ignore[method-assign]
    else:
        SampleStore.append = append  # type: ignore[method-assign]
    try:
        yield place
    finally:
        SampleStore.append, MonitoringLog.append = commit, write  # type: ignore[method-assign]


def ground() -> Path:
    """Where deployments of a night are made: in memory where there is room, since nothing is asked of a disk."""
    shm = Path("/dev/shm")
    return shm if os.access(shm, os.W_OK) else Path(tempfile.gettempdir())


def play(story: Story) -> Result:
    """One night, in a directory of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="abaco-night-", dir=ground()) as directory:
        return Night(story, Path(directory) / "deployment").play()
