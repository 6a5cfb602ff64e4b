"""Every verdict can be traced to its samples, and the samples give the verdict again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from watching import Watching, condition, rescaled, row

from engine.cli.frame import main
from engine.clock import boot_id
from engine.config import Deployment
from engine.monitoring.store import SampleStore
from engine.monitoring.trace import Trace, trace
from engine.monitoring.trace_sources import traced


def all_of(watching: Watching) -> dict[str, Trace]:
    store = SampleStore(watching.deployment.paths.samples, read_only=True)
    try:
        found = {name: trace(watching.deployment, store, name) for name in watching.deployment.monitoring.conditions}
    finally:
        store.close()
    return {name: one for name, one in found.items() if one is not None}


def disagreeing(watching: Watching) -> dict[str, str]:
    found = all_of(watching)
    assert len(found) == 15
    return {name: one.note for name, one in found.items() if one.agrees is not True and one.tiers}


@pytest.fixture
def watching(deployment: Deployment, clock: Any) -> Iterator[Watching]:
    """Holds are a tenth: 500 ms for 12 s is critical, for 90 s a reason to roll back; an hour is 6 minutes."""
    found = Watching(rescaled(deployment, 10), clock)
    yield found
    found.monitor.stop()


def slow(watching: Watching, seconds: int = 20, latency: float = 600.0) -> None:
    watching.tick(seconds, latency_ms=latency)


def restarted(watching: Watching) -> None:
    slow(watching, 6)
    watching.restart()
    slow(watching, 11)


def rebooted(watching: Watching) -> None:
    slow(watching, 11)
    watching.monitor.stop()
    connection = sqlite3.connect(watching.deployment.paths.samples)
    connection.execute("UPDATE checkpoints SET data = CAST(replace(data, ?, 'another boot') AS BLOB)", (boot_id(),))
    connection.commit()
    connection.close()
    watching.restart()
    slow(watching, 4)


def suspended(watching: Watching) -> None:
    slow(watching, 10)
    watching.clock.advance(600)
    slow(watching, 12)


def stepped(watching: Watching) -> None:
    slow(watching, 10)
    watching.clock.step_wall(3600)
    slow(watching, 12)


def another_process(watching: Watching) -> None:
    slow(watching, 10)
    watching.start("v2")
    slow(watching, 10)


def there_and_back(watching: Watching) -> None:
    slow(watching)
    watching.validated("FAIL")
    watching.roll_back()
    watching.tick(6)


def stops(watching: Watching) -> None:
    slow(watching)
    watching.stage.state = "STOPPED"
    watching.tick(30, runs_every=0)


def failed_before_and_after_a_suspend(watching: Watching) -> None:
    watching.validated("FAIL", data_integrity="FAIL")
    watching.tick(3)
    watching.clock.advance(60)
    watching.tick(3)
    watching.validated("FAIL", data_integrity="FAIL")
    watching.tick(3)


def flaps(watching: Watching) -> None:
    for _ in range(3):
        watching.stage.restarts = (watching.clock.now().wall,)
        watching.tick(2, runs_every=0)
        watching.stage.restarts = ()
        watching.tick(2, runs_every=0)
    assert condition(watching.tick(), "CRASH").flapping


@pytest.mark.parametrize(
    "what",
    [
        slow,
        restarted,
        rebooted,
        suspended,
        stepped,
        another_process,
        there_and_back,
        stops,
        failed_before_and_after_a_suspend,
        flaps,
    ],
    ids=lambda what: what.__name__,
)
def test_the_samples_give_every_condition_as_the_monitor_said_it(
    watching: Watching, what: Callable[[Watching], None]
) -> None:
    watching.tick(2)
    watching.cut_over()
    watching.tick(2)
    what(watching)
    assert disagreeing(watching) == {}


def test_a_trace_shows_how_the_run_was_counted_and_from_which_runs(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(5)
    slow(watching, 16)
    found = traced(watching.deployment, "LAT")
    critical = next(tier for tier in found.tiers if tier.tier == "critical")
    assert (found.firing, critical.firing, critical.enter, critical.hold) == ("critical", True, 500, 12)
    assert (critical.count, round(critical.span, 3), critical.need) == (4, 15.0, 3)
    runs = [json.loads(line) for line in watching.deployment.paths.runs.read_text().splitlines()]
    assert [one.source for one in found.samples] == [f"run {run['run_id'][:8]}" for run in runs]
    assert [one.beyond for one in found.samples] == ["", *["rollback"] * 4]
    assert found.samples[1].at == critical.since
    assert found.samples[-1].text == "600.0 ms"


def test_gaps_and_other_processes_stand_where_they_break_the_run(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(5)
    watching.start("v2")
    watching.tick(3)
    watching.clock.advance(2.0)
    watching.tick(3)
    watching.clock.advance(50)
    watching.tick(3)
    found = traced(watching.deployment, "MEM")
    said = [one.breaks for one in found.samples if one.breaks]
    assert len(said) == 2
    assert "another process: pid" in said[0]
    assert said[1] == "a suspend or a step of the clock"
    assert {one.source.split()[0] for one in found.samples} == {"pid"}


def test_every_run_of_a_tick_is_kept(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(1)
    for _ in range(3):
        watching.clock.advance(0.2)
        watching.run()
    watching.tick(1, runs_every=0)
    assert len(traced(watching.deployment, "LAT").samples) == 4


def test_samples_that_were_altered_are_told_from_what_the_monitor_said(watching: Watching) -> None:
    watching.cut_over()
    slow(watching)
    assert traced(watching.deployment, "LAT").agrees is True
    connection = sqlite3.connect(watching.deployment.paths.samples)
    connection.execute("UPDATE samples SET value = 1 WHERE value = 600")
    connection.commit()
    connection.close()
    found = traced(watching.deployment, "LAT")
    assert found.agrees is False
    assert "the kept samples give: nothing fires" in found.note


def test_samples_that_were_thinned_cannot_tell_and_say_so(watching: Watching) -> None:
    watching.cut_over()
    slow(watching)
    watching.tick(3, runs_every=1, latency_ms=490.0)  # between clear and enter: what fires goes on firing
    connection = sqlite3.connect(watching.deployment.paths.samples)
    connection.execute("INSERT INTO minutes SELECT metric, 1, 1, 600, 600, 600 FROM samples GROUP BY metric")
    connection.execute("DELETE FROM samples WHERE value = 600 OR value < 90")
    connection.commit()
    connection.close()
    found = traced(watching.deployment, "LAT")
    assert found.agrees is not True
    assert "by the minute only" in found.note


def test_a_row_of_the_matrix_names_the_conditions_that_it_rests_on(watching: Watching) -> None:
    watching.cut_over()
    seen = watching.tick(20, latency_ms=600.0)
    assert row(seen, "INVESTIGATE").conditions == ("LAT",)
    assert row(seen, "ROLL BACK").conditions == ("LAT",)  # near
    assert condition(seen, "LAT").pending == "rollback"
    assert len(row(seen, "CONTINUE").conditions) == 15


def test_on_the_command_line(watching: Watching, capsys: pytest.CaptureFixture[str]) -> None:
    def why(*words: str) -> tuple[int, str, str]:
        code = main(["--root", str(watching.deployment.root), "why", *words], lambda *_: 99)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    assert why("LAT")[0] == 2
    watching.cut_over()
    slow(watching, 16)
    code, out, _ = why("lat", "--last", "3")
    assert code == 0
    assert "critical   above 500: 15 s of 12 s, 4 samples (3 needed)" in out
    assert out.count("run 0000") == 3
    code, out, _ = why("LAT", "--json")
    plain: Any = json.loads(out)
    assert (code, plain["agrees"], plain["firing"]) == (0, True, "critical")
    code, _, err = why("LATE")
    assert code == 2
    assert "there is no condition 'LATE'" in err
