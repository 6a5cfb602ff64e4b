"""At second t a replay shows what the console showed at second t: both are asked about the same moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from a_night import Night

from engine.config import Deployment
from engine.monitoring.store import SampleStore
from engine.records import FileLock
from engine.state import State, StateReader
from engine.state.model import ReleaseView
from engine.state.releases import Releases
from engine.state.replayed import ReplayReader


class _Services:
    """What the services answer a console: as the stage has them, whether a monitor looks or not."""

    def __init__(self, night: Night) -> None:
        self._night = night

    def read(self, problems: list[str]) -> Releases:
        views = tuple(
            ReleaseView(one.release, "", "", one.service.name, "UNSURE", None, one.decimals)
            for one in (self._night.deployment.old, self._night.deployment.new)
        )
        return Releases(self._night.stage.release, "", views)


@dataclass
class Console:
    """A live console, and what it showed when."""

    night: Night
    shown: list[State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = StateReader(self.night.deployment, self.night.clock)
        self._reader._releases = _Services(self.night)  # type: ignore[assignment]

    def look(self) -> None:
        self._reader._checklist._basis = None  # it is folded once a second, and the seconds here are short
        self.shown.append(self._reader.read())

    def watch(self, ticks: int, **more: Any) -> None:
        """Ticks, with a look right after each and one just before the next."""
        for _ in range(ticks):
            self.night.ticks(1, **more)
            self.look()
            self._pass(0.8)
            self.look()
            self.night.clock.advance(-0.8)

    def _pass(self, seconds: float) -> None:
        self.night.clock.advance(seconds)

    def idle(self, seconds: int) -> None:
        """No monitor looks."""
        for _ in range(seconds):
            self._pass(1.0)
            self.look()


def shown(state: State) -> dict[str, Any]:
    return {
        "verdict": (state.verdict.word, state.verdict.why),
        "conditions": [(one.id, one.level, one.firing, one.pending, one.text) for one in state.conditions],
        "release": state.release,
        "phase": state.phase,
        "alerts": [(one.condition, one.level) for one in state.alerts],
        "log": state.log,
        "checklist": [(one.slot, one.title, one.state, one.measured) for one in state.checklist.items],
    }


def assert_same(night: Night, looks: list[State]) -> None:
    reader = ReplayReader(night.deployment, lambda: night.clock.wall)
    for live in looks:
        now, then = shown(live), shown(reader.at(live.at))
        assert {name: (then[name], now[name]) for name in now if then[name] != now[name]} == {}, live.at


def test_a_replay_shows_what_the_console_showed_at_each_moment(deployment: Deployment, clock: Any) -> None:
    night = Night(deployment, clock)
    console = Console(night)
    lock = FileLock(night.deployment.paths.monitor_lock)
    lock.acquire()
    night.begin()
    console.watch(12)
    console.watch(8, latency_ms=620.0)
    console.watch(6, latency_ms=620.0, errors=20)  # another reason, the verdict word may stay
    night.validated("FAIL", data_integrity="FAIL")
    console.watch(6)
    console.idle(6)  # it holds its lock, and does not get on
    console.watch(3)
    night.monitor.stop()
    lock.release()
    console.idle(5)  # it has ended
    lock.acquire()
    night.restart()
    console.watch(4)
    lock.release()
    night.monitor.stop()
    words = {one.verdict.word for one in console.shown}
    assert {"CONTINUE", "UNKNOWN"} < words and any("no monitor runs" in one.verdict.why for one in console.shown)
    assert any("does not get on" in one.verdict.why for one in console.shown)
    assert_same(night, console.shown)


def test_after_two_days_what_a_verdict_rests_on_is_still_there_and_rows_are_late_rather_than_early(
    deployment: Deployment, clock: Any
) -> None:
    night = Night(deployment, clock)
    console = Console(night)
    lock = FileLock(night.deployment.paths.monitor_lock)
    lock.acquire()
    night.begin()
    console.watch(8)
    console.watch(8, latency_ms=620.0)
    lock.release()
    night.monitor.stop()
    store = SampleStore(night.deployment.paths.samples)
    store.thin(night.clock.wall + timedelta(days=3))
    store.close()
    reader = ReplayReader(night.deployment, lambda: night.clock.wall)
    for live in console.shown:
        then = reader.at(live.at)
        assert then.verdict.word == live.verdict.word
        assert [(one.firing, one.pending) for one in then.conditions] == [
            (one.firing, one.pending) for one in live.conditions
        ]
        assert then.log == live.log[: len(then.log)]


def test_a_log_that_was_rotated_since_is_shown_as_it_was_then(deployment: Deployment, clock: Any) -> None:
    night = Night(deployment, clock)
    console = Console(night)
    lock = FileLock(night.deployment.paths.monitor_lock)
    lock.acquire()
    night.begin()
    console.watch(12)
    path = night.deployment.paths.monitoring_log
    path.rename(path.with_name("monitoring-rotated.log"))
    console.watch(12)
    lock.release()
    night.monitor.stop()
    assert console.shown[-1].log != console.shown[20].log
    assert_same(night, console.shown[:22] + console.shown[26:])
