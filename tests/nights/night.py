"""One night played: the real monitor against the oracle, tick by tick, then row by row."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger import check
from oracle import Judged, Oracle
from people import People
from slots import Looked
from story import Story
from world import make, played

from engine.monitoring import paging, untold
from engine.monitoring.log import MonitoringLog
from engine.monitoring.model import Evaluation
from engine.monitoring.monitor import Monitor
from engine.monitoring.store import SampleStore
from engine.records import append_event


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
    """Decisions that people took."""
    criteria: int = 0
    """Criteria of gates that were compared."""
    wrong: list[str] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)

    def said(self, text: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(text)


class Night:
    """Plays one story."""

    def __init__(self, story: Story, root: Path) -> None:
        self.story, self.world = story, make(story, root)
        self.oracle = Oracle(self.world)
        self.result = Result(story.seed, faults=len(story.faults))
        self.luck = random.Random(story.seed + 2)
        self.people = People(self)
        self.judged: list[Judged] = []
        self.looked: list[Looked] = []
        self.monitor = self._monitor()
        self.every_tick: Any = None
        self.tick_seconds = 0.0
        self.moments: list[tuple[float, str, float, str]] = []

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
                self.people.act()
                self._sample()
            self.world.advance(1.0)
            self._look()  # what a monitor that was killed had still to tell
            self.monitor.stop()
        check(self)
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
        self.people.begin(world.clock.wall)
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
            with killed(self.luck.choice(("before", "after", "rows", "told"))) as place:
                try:
                    self.monitor.tick()
                except Killed:
                    pass
                else:  # no row or event was due: it was killed as soon as it had written everything
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
        self._look()
        world.lost = ""

    def _look(self) -> None:
        began = time.process_time()
        evaluation = self.monitor.tick()
        self.tick_seconds = time.process_time() - began
        self._compare(evaluation)
        if self.every_tick is not None:
            self.every_tick(self, evaluation)

    # ---- the verdicts

    def _compare(self, evaluation: Evaluation | None) -> None:
        assert evaluation is not None
        growth = next(c for c in evaluation.conditions if c.id == "MEMG")
        received = growth.reason is None and growth.observed_at == self.world.clock.wall
        judged = self.oracle.tick(growth.value if received else None)
        self.judged.append(judged)
        self.looked.append(Looked(judged.wall, judged.word, len(self.people.course.decisions)))
        self.people.hear()
        result = self.result
        result.samples += len(evaluation.conditions)
        result.verdicts += 1
        result.words[judged.word] += 1
        firing = {c.id: c.firing for c in evaluation.conditions if c.firing}
        unknown = tuple(sorted(c.id for c in evaluation.conditions if c.needed and c.reason is not None))
        alerts = {alert.condition for alert in evaluation.alerts}
        ours = (judged.word, judged.firing, tuple(sorted(judged.unknown)), set(self.oracle.pages.sheets))
        if (evaluation.verdict.word, firing, unknown, alerts) != ours:
            result.said(
                f"{self._when()}: {judged.word} {judged.firing} unknown {sorted(judged.unknown)} "
                f"alerts {sorted(self.oracle.pages.sheets)} expected; the monitor says {evaluation.verdict.word} "
                f"{firing} unknown {list(unknown)} alerts {sorted(alerts)}"
            )
        self._compare_gates(judged, evaluation)

    def _compare_gates(self, judged: Judged, evaluation: Evaluation) -> None:
        expected = self.people.course.shown(judged.wall)
        found = [(gate.id, gate.due_at, gate.state) for gate in evaluation.gates]
        if sorted(found) != sorted(expected):
            self.result.said(f"{self._when()}: gates {expected} expected, the monitor has {found}")
        for gate in evaluation.gates:
            for criterion in gate.criteria:
                status = judged.criteria.get(criterion.id)
                self.result.criteria += status is not None
                if status not in (None, criterion.status):
                    self.result.said(
                        f"{self._when()}: {gate.id} {criterion.id} {status} expected; the monitor says "
                        f"{criterion.status}: {criterion.evidence}"
                    )

    def _when(self) -> str:
        return f"T+{self.world.age / 3600:.4f} h ({self.world.clock.wall:%d %H:%M:%S})"


@contextmanager
def killed(place: str) -> Iterator[str]:
    """The next tick is killed before it writes anything down, right after, behind a row or behind an event."""
    commit, write, tell = SampleStore.append, MonitoringLog.append, append_event

    def append(store: SampleStore, *parts: Any) -> None:
        if place == "after":
            commit(store, *parts)
        raise Killed

    def row(log: MonitoringLog, one: Any) -> None:
        write(log, one)
        raise Killed

    def event(*parts: Any, **more: Any) -> None:
        tell(*parts, **more)
        raise Killed

    if place == "told":
        paging.append_event = untold.append_event = event  # type: ignore[attr-defined, assignment]
    elif place == "rows":
        MonitoringLog.append = row  # type: ignore[method-assign]
    else:
        SampleStore.append = append  # type: ignore[method-assign]
    try:
        yield place
    finally:
        SampleStore.append, MonitoringLog.append = commit, write  # type: ignore[method-assign]
        paging.append_event = untold.append_event = tell  # type: ignore[attr-defined]


def ground() -> Path:
    """Where deployments of a night are made: in memory where there is room, since nothing is asked of a disk."""
    shm = Path("/dev/shm")
    return shm if os.access(shm, os.W_OK) else Path(tempfile.gettempdir())


def play(story: Story) -> Result:
    """One night, in a directory of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="abaco-night-", dir=ground()) as directory:
        return Night(story, Path(directory) / "deployment").play()
