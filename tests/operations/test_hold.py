"""A cutover that holds before the switch: what ends the hold, and what makes what was prepared expire."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench_at_work import HandService, work_on
from site_at_work import COMMAND, Site, abaco, await_that

from engine.config import Deployment, load_deployment
from engine.errors import Refused
from engine.monitoring.surroundings import RealSurroundings
from engine.operations import holding, planning
from engine.operations.configuration import hash_of
from engine.operations.journal import fold, read_operation, records_of, worker_of
from engine.operations.lock import Holder, OperationLock
from engine.operations.model import HOLD_STEP, HOLDS, Operation
from engine.operations.own_steps import sealed
from engine.operations.planning import plan_cutover
from engine.operations.requests import ask
from engine.operations.runner import run_steps
from engine.operations.steering import go
from engine.operations.step import Outcome, Step
from engine.operations.work import Work
from engine.records import read_lines
from engine.services.build import build_hash
from engine.services.protocol import Identity


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_LOOK_EVERY", 0.03)
    monkeypatch.setattr(holding, "_PAUSE", 0.01)


@pytest.fixture
def work(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    """A held cutover of a deployment whose old release runs, prepared from what is there."""
    build = deployment.root / "build.py"
    build.write_text("1")
    for release in ("v1", "v2"):
        path = deployment.paths.release(release)
        path.write_text(path.read_text().replace("files: [", 'files: ["{root}/build.py", '))
    deployment.active_config.write_bytes(deployment.paths.release("v1").read_bytes())
    return held(deployment, clock)


def held(deployment: Deployment, clock: Any) -> Work:
    deployment = load_deployment(deployment.root)
    work = work_on(
        deployment,
        clock,
        hold=True,
        config_now=hash_of(deployment.active_config),
        config_then=hash_of(deployment.paths.release("v2")),
        config_kept=hash_of(deployment.paths.release("v1")),
        build_from=build_hash(deployment, "v1"),
        build_to=build_hash(deployment, "v2"),
        own_steps=sealed(deployment.console),
    )
    work._services.update(v1=HandService(state="RUNNING"), v2=HandService())  # type: ignore[arg-type]
    steps = [{"name": name, "title": name, "phase": "1"} for name in ("prepare", HOLD_STEP, "switch")]
    work.record("planned", operation_kind="cutover", steps=steps)
    return work


def when_it_holds(work: Work, act: Callable[[], object]) -> list[str]:
    """Do it at the moment the log says HOLDING; the log."""
    told: list[str] = []

    def narrate(text: str) -> None:
        told.append(text)
        if text.startswith("HOLDING"):
            act()

    work._narrate = narrate
    return told


def runs(work: Work, calls: list[str] | None = None) -> Operation:
    """The hold between a step that prepares and one that stands for the switch; the state that its worker declares."""
    calls = [] if calls is None else calls

    def step(name: str) -> Step:
        def do(_work: Work) -> Outcome:
            calls.append(f"do {name}")
            return Outcome("as it should be")

        def undo(_work: Work) -> str:
            calls.append(f"undo {name}")
            return "as before"

        return Step(name, name, "1", do, lambda _budgets: 60.0, undo=undo)

    steps = [step("prepare"), holding.hold_step("2 staging"), step("switch")]
    state = run_steps(work, steps, lambda _step: None)
    return msgspec.structs.replace(read_operation(work.directory), state=state)


def detail(operation: Operation, step: str = HOLD_STEP) -> str:
    return next(found.detail for found in operation.steps if found.name == step)


def kinds(work: Work) -> list[str]:
    return [record["kind"] for record in records_of(work.directory)]


def test_go_ends_the_hold_and_who_gave_it_stands_in_journal_trail_and_log(work: Work) -> None:
    seen = []

    def give() -> None:
        seen.append(read_operation(work.directory))
        ask(work.directory, work.me, "go", "team is ready", "10.0.0.7")

    told = when_it_holds(work, give)
    calls: list[str] = []
    assert runs(work, calls).state == "SUCCEEDED"
    assert calls == ["do prepare", "do switch"]
    assert seen[0].state == "HOLDING" and "abaco-ops go 0001-cutover" in seen[0].offers[0]
    me = Path(work.directory).owner()
    words = f"go by {me} from 10.0.0.7 after "
    assert detail(read_operation(work.directory)).startswith(words)
    assert any(line.startswith(words) and line.endswith(": team is ready") for line in told)
    (record,) = [record for record in records_of(work.directory) if record["kind"] == "go"]
    assert (record["by"], record["origin"], record["reason"]) == (me, "10.0.0.7", "team is ready")
    events = {event["kind"]: event for event in read_lines(work.deployment.paths.events)}
    assert "operation.holding" in events
    given = events["operation.go"]
    assert (given["actor"], given["data"]["origin"], given["operation_seq"]) == (me, "10.0.0.7", record["seq"])


def test_abort_beats_a_go_that_came_first(work: Work) -> None:
    def both() -> None:
        ask(work.directory, work.me, "go")
        ask(work.directory, work.me, "abort", "not today")

    when_it_holds(work, both)
    calls: list[str] = []
    ended = runs(work, calls)
    assert ended.state == "ABORTED" and "not today" in ended.failure
    assert calls == ["do prepare", "undo prepare"]
    assert "go" not in kinds(work)


def test_an_abort_that_comes_while_the_go_is_checked_is_still_heard(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_prepared: holding.Prepared) -> None:
        ask(work.directory, work.me, "abort", "wait")

    monkeypatch.setattr(holding.Prepared, "must_stand", slow)
    monkeypatch.setattr("engine.operations.work._LOOK_EVERY", 1000.0)
    when_it_holds(work, lambda: setattr(work, "_looked", -1e6) or ask(work.directory, work.me, "go"))
    calls: list[str] = []
    assert runs(work, calls).state == "ABORTED"
    assert "do switch" not in calls


def test_a_rollback_that_takes_over_beats_go(work: Work) -> None:
    def both() -> None:
        ask(work.directory, work.me, "go")
        ask(work.directory, work.me, "yield", "rollback 0002")

    when_it_holds(work, both)
    calls: list[str] = []
    assert runs(work, calls).state == "INTERRUPTED"
    assert calls == ["do prepare"]
    assert "go" not in kinds(work)


def test_a_go_for_another_worker_or_another_operation_is_not_obeyed(work: Work) -> None:
    def give() -> None:
        other = Identity(work.me.pid, work.me.start_time + 1, work.me.boot_id)
        ask(work.directory, other, "go")
        elsewhere = work.directory.with_name("0002-cutover")
        foreign = ask(elsewhere, work.me, "go")
        foreign.replace(work.directory / "requests" / foreign.name)
        threading.Timer(0.3, lambda: ask(work.directory, work.me, "abort")).start()

    when_it_holds(work, give)
    assert runs(work).state == "ABORTED"
    assert "go" not in kinds(work)
    assert len(list((work.directory / "requests/used").glob("go-*"))) == 2


def test_a_go_before_it_holds_is_not_kept_for_later(work: Work) -> None:
    ask(work.directory, work.me, "go")
    when_it_holds(work, lambda: threading.Timer(0.2, lambda: ask(work.directory, work.me, "abort")).start())
    ended = runs(work)
    assert ended.state == "ABORTED"
    assert "gave the go while nothing waited for it: not obeyed" in ended.warnings[0]


OWN = """  own_steps:
    - {name: drain, title: drained, operation: cutover, place: {before: 3}, do: [/bin/true]}
"""


def edited(work: Work, name: str, old: str, new: str) -> None:
    path = work.deployment.root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


CHANGES: dict[str, tuple[Callable[[Work], object], str]] = {
    "active": (lambda work: edited(work, "config/pipeline.yml", "decimals: 1", "decimals: 2"), "the active configur"),
    "staged": (
        lambda work: edited(work, "config/releases/v2.yml", "decimals: 2", "decimals: 3"),
        "the staged configuration of v2 has changed",
    ),
    "staged old": (
        lambda work: edited(work, "config/releases/v1.yml", "decimals: 1", "decimals: 3"),
        "the staged configuration of v1 has changed",
    ),
    "build": (lambda work: (work.deployment.root / "build.py").write_text("2"), "the build of v1 has changed"),
    "gone": (lambda work: work.deployment.paths.release("v2").unlink(), "-> missing"),
    "own step": (
        lambda work: edited(work, "config/console.yml", "  own_steps: []\n", OWN),
        "your own steps in config/console.yml have changed: drain",
    ),
    "unreadable": (lambda work: edited(work, "config/console.yml", "version: 1", "version: ["), "cannot be understood"),
    "old stopped": (lambda work: setattr(work._services["v1"], "state", "STOPPED"), "v1 is not live any more"),
    "new runs": (lambda work: setattr(work._services["v2"], "state", "RUNNING"), "run at once"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_prepared_expires_when_what_it_was_made_from_changes(work: Work, change: str) -> None:
    act, said = CHANGES[change]
    when_it_holds(work, lambda: act(work))
    calls: list[str] = []
    ended = runs(work, calls)
    assert ended.state == "ABORTED"
    assert "what was prepared has expired: " in ended.failure and said in ended.failure, ended.failure
    assert calls == ["do prepare", "undo prepare"]


@pytest.mark.parametrize("change", ["build", "own step", "old stopped"])
def test_it_is_looked_at_wholly_at_go(work: Work, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    act, said = CHANGES[change]
    monkeypatch.setattr(holding.Prepared, "look", lambda _prepared: None)  # the change has not been seen before
    when_it_holds(work, lambda: (act(work), ask(work.directory, work.me, "go")))
    calls: list[str] = []
    ended = runs(work, calls)
    assert ended.state == "ABORTED" and said in ended.failure
    assert "do switch" not in calls


def test_files_are_hashed_again_only_when_their_stat_has_changed(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []
    monkeypatch.setattr(holding, "not_as_planned", lambda _work: hashed.append(1) or "")
    prepared = holding.Prepared(work)
    for _ in range(5):
        prepared._looked = -1e9
        prepared.look()
    assert len(hashed) == 1
    os.utime(work.deployment.active_config)
    prepared._looked = -1e9
    prepared.look()
    assert len(hashed) == 2


def test_what_changes_nothing_that_was_prepared_lets_it_hold_on(work: Work) -> None:
    def touch() -> None:
        os.utime(work.deployment.active_config)
        edited(work, "config/console.yml", "time_scale: 1 ", "time_scale: 2 ")
        threading.Timer(0.3, lambda: ask(work.directory, work.me, "go")).start()

    when_it_holds(work, touch)
    assert runs(work).state == "SUCCEEDED"


def test_a_service_that_is_gone_for_one_look_only_lets_it_hold_on(work: Work) -> None:
    class Flickers(HandService):
        asked = 0

        def status(self) -> Any:
            self.asked += 1
            self.state = "FAILED" if self.asked == 2 else "RUNNING"
            return super().status()

    work._services["v1"] = Flickers()  # type: ignore[assignment]
    when_it_holds(work, lambda: threading.Timer(0.4, lambda: ask(work.directory, work.me, "go")).start())
    assert runs(work).state == "SUCCEEDED"
    assert work._services["v1"].asked > 3  # type: ignore[attr-defined]


def test_no_budget_runs_while_it_holds(work: Work, clock) -> None:  # type: ignore[no-untyped-def]
    when_it_holds(work, lambda: (clock.advance(9 * 3600), ask(work.directory, work.me, "go")))
    ended = runs(work)
    assert ended.state == "SUCCEEDED"
    assert "after 9h" in detail(ended)


def dead_while_holding(work: Work) -> list[dict[str, Any]]:
    work.record("intent", step=HOLD_STEP, title=HOLDS)
    work.record("state", state="HOLDING")
    return records_of(work.directory)


def test_a_worker_that_dies_while_it_holds_leaves_it_interrupted(work: Work) -> None:
    left = fold("0001-cutover", dead_while_holding(work), alive=False)
    assert left.state == "INTERRUPTED" and not left.past_no_return
    assert any("resume 0001-cutover    (probes what has happened, then holds again)" in offer for offer in left.offers)


def test_it_holds_again_when_it_was_never_told_go(work: Work) -> None:
    dead_while_holding(work)
    again = Work(work.deployment, work.orders, work.clock, work._narrate)
    again._services = work._services
    again.record("worker", pid=work.me.pid, start_time=work.me.start_time, boot_id=work.me.boot_id)
    assert read_operation(work.directory).state == "RUNNING"
    held_again = []
    when_it_holds(again, lambda: (held_again.append(1), ask(work.directory, work.me, "go")))
    assert runs(again).state == "SUCCEEDED"
    assert held_again == [1]


def told_go_and_died(work: Work) -> Work:
    dead_while_holding(work)
    work.record("go", by="anna", origin="local", reason="", nonce="1")
    return work


def test_a_go_that_was_given_stands_after_the_workers_death(work: Work) -> None:
    told = when_it_holds(told_go_and_died(work), lambda: pytest.fail("it holds again"))
    assert runs(work).state == "SUCCEEDED", told


def test_a_go_that_was_given_does_not_stand_when_something_has_changed_since(work: Work) -> None:
    told_go_and_died(work)
    (work.deployment.root / "build.py").write_text("2")
    ended = runs(work)
    assert ended.state == "ABORTED" and "the build of v1 has changed" in ended.failure


def test_the_switch_itself_changes_what_was_prepared_and_is_gone_on_with(work: Work) -> None:
    told_go_and_died(work)
    work.record("done", step=HOLD_STEP, title=HOLDS)
    work.record("intent", step="switch", title="switch")
    assert not holding.problem_now(work)
    (work.deployment.root / "build.py").write_text("2")
    assert holding.problem_now(work) and holding.go_stands(work)


def test_go_is_refused_where_nothing_holds(work: Work) -> None:
    with pytest.raises(Refused, match="no cutover holds"):
        go(work.deployment, None, actor="anna")
    with pytest.raises(Refused, match="0001-cutover does not hold: it is RUNNING"):
        go(work.deployment, "1", actor="anna")
    assert not list((work.directory / "requests").glob("*.json"))


def test_a_go_that_lost_to_an_abort_is_taken_back_and_said(work: Work) -> None:
    work.record("state", state="HOLDING")
    answers: list[object] = []

    def give() -> None:
        try:
            answers.append(go(work.deployment, None, actor="anna"))
        except Refused as refused:
            answers.append(refused.what)

    giver = threading.Thread(target=give)
    giver.start()
    await_that(lambda: list((work.directory / "requests").glob("go-*")))
    work.record("state", state="ABORTING")  # what abort does first
    giver.join(10)
    assert answers == ["0001-cutover is ABORTING and has not obeyed the go: it was taken back"]
    assert not list((work.directory / "requests").glob("go-*"))


def test_the_monitor_goes_on_telling_people_while_a_cutover_holds(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    lock = OperationLock(deployment)
    assert lock.acquire(0)
    try:
        at = ["old release stops", HOLDS]
        under_way = []
        for step in at:
            lock.tell(Holder("0001-cutover", "anna", "local", step, clock.now().wall, "", 1))
            under_way.append(RealSurroundings(deployment).operation())
        assert under_way == ["0001-cutover", ""]
    finally:
        lock.release()


def test_the_time_it_held_is_not_what_a_cutover_takes(work: Work, clock) -> None:  # type: ignore[no-untyped-def]
    when_it_holds(work, lambda: (clock.advance(3600), ask(work.directory, work.me, "go")))
    runs(work)
    work.record("done", step=HOLD_STEP, title=HOLDS, seconds=3600.0)
    clock.advance(4)
    work.record("ended", state="SUCCEEDED")
    expected = planning._expected([read_operation(work.directory)], "cutover")
    assert expected == pytest.approx(4.0, abs=0.5)


def test_a_held_plan_shows_where_it_holds(deployment: Deployment) -> None:
    names = [step.name for step in plan_cutover(deployment, hold=True).steps]
    assert names[names.index("stage_new") + 1] == HOLD_STEP and names[names.index(HOLD_STEP) + 1] == "stop_old"
    assert HOLD_STEP not in [step.name for step in plan_cutover(deployment).steps]


# --- for real -------------------------------------------------------------------------------------------------------


def holds(site: Site, operation: str) -> Operation | None:
    found = site.operation(operation)
    assert found.state in ("RUNNING", "HOLDING", "INTERRUPTED", "PLANNED"), found
    return found if found.state == "HOLDING" else None


def test_a_held_cutover_survives_its_worker_and_switches_at_go(round_trip: Site) -> None:
    root = str(round_trip.root)
    begun = abaco("--root", root, "cutover", "--hold", "--yes", "--reason", "ahead", "--detach", "--json")
    assert begun.returncode == 0, begun.stderr
    operation = json.loads(begun.stdout)["operation"]
    await_that(lambda: holds(round_trip, operation))
    shown = json.loads(abaco("--root", root, "status", "--json").stdout)
    assert shown["operation"]["state"] == "HOLDING" and shown["release"] == "v1"
    second = abaco("--root", root, "rollback", "--dry-run")
    assert operation in second.stdout
    busy = abaco("--root", root, "cutover", "--yes")
    assert busy.returncode == 5 and HOLDS in busy.stderr

    worker = worker_of(records_of(round_trip.deployment.paths.operation(operation)))
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert round_trip.settled(operation).state == "INTERRUPTED"
    assert round_trip.live() == "v1"
    refused = abaco("--root", root, "go")
    assert refused.returncode == 2 and "no cutover holds" in refused.stderr

    resumed = subprocess.Popen(
        [*COMMAND, "--root", root, "resume", operation], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    await_that(lambda: holds(round_trip, operation))
    assert round_trip.live() == "v1"
    given = abaco("--root", root, "go", operation, "--reason", "all here", "--json")
    assert given.returncode == 0, given.stdout + given.stderr
    assert json.loads(given.stdout)["state"] == "SUCCEEDED"
    out, _ = resumed.communicate(timeout=60)
    assert resumed.returncode == 0 and HOLDS in out
    assert round_trip.live() == "v2"


@pytest.fixture
def with_own_step(round_trip: Site) -> Iterator[Path]:
    """An own step before the hold; the file that it makes and that its undo removes."""
    console = round_trip.root / "config/console.yml"
    shipped = console.read_text()
    made = OWN.replace("before: 3", "after: 2").replace("[/bin/true]", "[/bin/touch, made], undo: [/bin/rm, made]")
    console.write_text(shipped.replace("  own_steps: []\n", made))
    yield round_trip.root / "made"
    console.write_text(shipped)


def test_a_follower_leaves_and_a_rollback_takes_over_from_a_held_cutover(round_trip: Site, with_own_step: Path) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    follower = subprocess.Popen(
        [*COMMAND, "--root", str(round_trip.root), "cutover", "--hold", "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # also where the tests run in the background
    )
    assert follower.stdout is not None
    first = follower.stdout.readline()
    operation = first.split()[1].rstrip(",")
    while HOLDS not in (line := follower.stdout.readline()):
        assert line, "it ended"
    os.kill(follower.pid, signal.SIGINT)
    assert follower.wait(60) == 130
    assert round_trip.operation(operation).state == "HOLDING"
    pid = round_trip.pid("v1")
    assert with_own_step.exists()

    back = round_trip.rollback()

    assert back.state == "SUCCEEDED", back
    assert round_trip.operation(operation).state == "ROLLED_BACK"
    assert not round_trip.incident(back.id)["new_release_started"]
    assert round_trip.pid("v1") == pid, "the old release was never stopped"
    assert not with_own_step.exists()
    round_trip.assert_back_on_v1(config, metrics)


def test_a_held_cutover_whose_staged_file_is_edited_is_undone_and_says_so(round_trip: Site) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    root, staged = str(round_trip.root), round_trip.deployment.paths.release("v2")
    before = staged.read_bytes()
    begun = json.loads(abaco("--root", root, "cutover", "--hold", "--yes", "--detach", "--json").stdout)
    await_that(lambda: holds(round_trip, begun["operation"]))
    try:
        staged.write_bytes(before + b"# edited\n")
        ended = round_trip.settled(begun["operation"])
    finally:
        staged.write_bytes(before)
    assert ended.state == "ABORTED"
    assert "the staged configuration of v2 has changed since it was confirmed" in ended.failure
    round_trip.assert_back_on_v1(config, metrics)
