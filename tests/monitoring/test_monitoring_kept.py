"""What the store answers about a whole stretch: kept evaluations, gaps, counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from watching import Watching

from engine.clock import Instant
from engine.monitoring.store import Measured, SampleStore
from engine.monitoring.stretch import StretchStore


def test_a_thinned_stretch_keeps_each_change_of_the_verdict(watching: Watching) -> None:
    begin = watching.clock.now().wall
    store = SampleStore(watching.deployment.paths.samples)
    made = watching.tick()
    for number in range(60):
        watching.clock.advance(70.0)
        word = "WATCH" if number == 31 else "CONTINUE"
        verdict = msgspec.structs.replace(made.verdict, word=word)
        now = watching.clock.now()
        store.append([], msgspec.structs.replace(made, at=now.wall, boot=now.boot, verdict=verdict))
    end = watching.clock.now().wall
    store = StretchStore(watching.deployment.paths.samples)
    every = list(store.evaluations(begin, end))
    few = list(store.evaluations(begin, end, every=1800.0))
    assert len(every) >= 60 and len(few) < 10
    assert [one.verdict.word for one in few].count("WATCH") == 1


def _sampled(store: SampleStore, clock: Any, seconds: float, step: float = 1.0) -> None:
    samples = []
    for _ in range(int(seconds / step)):
        clock.advance(step)
        now = clock.now()
        samples += [Measured(name, 1.0, Instant(now.wall, now.boot), "e") for name in ("a", "b")]
    store.append(samples)


def test_a_gap_is_a_stretch_in_which_nothing_was_sampled(tmp_path: Path, clock: Any) -> None:
    store = SampleStore(tmp_path / "samples.db")
    begin = clock.now().wall
    _sampled(store, clock, 60)
    since = clock.now().wall
    clock.advance(30.0)
    _sampled(store, clock, 60)
    until = clock.now().wall
    assert StretchStore(tmp_path / "samples.db").gaps(begin, until, 3.5) == [(since, since + timedelta(seconds=31))]
    assert StretchStore(tmp_path / "samples.db").counts(begin, until) == {"a": 120, "b": 120}


def test_what_lives_on_by_the_minute_has_no_gaps_and_counts_as_it_was(tmp_path: Path, clock: Any) -> None:
    store = SampleStore(tmp_path / "samples.db")
    begin = clock.now().wall
    _sampled(store, clock, 600)
    until = clock.now().wall
    store.thin(until + timedelta(days=3))
    assert StretchStore(tmp_path / "samples.db").gaps(begin, until, 3.5) == []
    assert StretchStore(tmp_path / "samples.db").counts(begin, until)["a"] == 600
