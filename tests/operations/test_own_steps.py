"""One's own steps: commands from the configuration with the guarantees of every step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench_at_work import work_on
from sabotage_at_work import dying
from site_at_work import Site, abaco, await_that

from engine.config import Deployment, load_deployment
from engine.config.own_steps import BUILT_IN, LAST_PHASE, NO_RETURN_IN
from engine.operations import cutover, rollback
from engine.operations.journal import read_operation, records_of
from engine.operations.model import HOLD_STEP
from engine.operations.order import number_of
from engine.operations.own_steps import CHECK, UNDO, as_step, check_step
from engine.operations.plan import Orders, OwnStep, Plan
from engine.operations.planning import plan_cutover, plan_rollback
from engine.operations.remaining import remaining_commands
from engine.operations.requests import ask
from engine.operations.runner import run_steps, undo_steps
from engine.operations.steps import steps_of
from engine.operations.work import Work
from engine.services.identity import identity_of
from engine.snapshots import Origin, take_snapshot


def notes(word: str) -> tuple[str, ...]:
    """A command that leaves a word in ``log`` and says it."""
    return ("/bin/sh", "-c", f"echo {word} >> log; echo {word} said")


FAILS = ("/bin/sh", "-c", "echo went wrong >&2; exit 3")
PASSES = ("/bin/true",)


def own(name: str, **changes: Any) -> OwnStep:
    fields: dict[str, Any] = {
        "name": name,
        "title": f"{name} done",
        "operation": "cutover",
        "before": 3,
        "after": None,
        "do": notes(f"do-{name}"),
        "precheck": (),
        "verify": (),
        "undo": (),
        "deadline": 10.0,
        "needed": True,
    }
    return OwnStep(**{**fields, **changes})


def called(work: Work) -> list[str]:
    log = work.deployment.root / "log"
    return log.read_text().split() if log.exists() else []


def run(work: Work, *steps: OwnStep) -> str:
    return run_steps(work, [as_step(step, "3 shutdown") for step in steps], lambda _step: None)


def detail(work: Work, name: str) -> str:
    return next(step.detail for step in read_operation(work.directory).steps if step.name == name)


@pytest.fixture
def work(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    return work_on(deployment, clock)


@pytest.fixture
def back(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    return work_on(deployment, clock, kind="rollback")


# --- one step -------------------------------------------------------------------------------------------------------


def test_precheck_do_and_verify_run_in_that_order_and_the_last_line_is_the_detail(work: Work) -> None:
    step = own("drain", precheck=notes("precheck"), verify=notes("verify"))
    assert run(work, step) == "SUCCEEDED"
    assert called(work) == ["precheck", "do-drain", "verify"]
    assert detail(work, "drain") == "do-drain said"


def test_its_intent_is_journaled_before_it_acts_and_done_only_after_its_verify(work: Work) -> None:
    journal = work.directory / "journal.jsonl"
    looks = (
        "/bin/sh",
        "-c",
        f'grep -c \'"kind":"intent"\' {journal} >> log; grep -c \'"kind":"done"\' {journal} >> log; true',
    )
    assert run(work, own("drain", do=looks, verify=looks)) == "SUCCEEDED"
    assert called(work) == ["1", "0", "1", "0"]
    assert records_of(work.directory)[-1]["kind"] == "done"


def test_each_of_its_processes_is_journaled_so_that_recovery_can_end_it(work: Work) -> None:
    run(work, own("drain", do=("/bin/sleep", "0.2"), verify=("/bin/sleep", "0.2")))
    assert len([record for record in records_of(work.directory) if record["kind"] == "child"]) == 2


def test_what_it_says_is_harmless(work: Work) -> None:
    evil = ("/usr/bin/printf", "first\\n\\033]52;c;x\\007\\342\\200\\256end\\n\\n")
    assert run(work, own("drain", do=evil)) == "SUCCEEDED"
    assert detail(work, "drain") == "\\x1b]52;c;x\\x07\\u202eend"


def test_places_are_filled_in_and_it_runs_in_the_deployments_directory(work: Work) -> None:
    assert run(work, own("drain", do=("/bin/sh", "-c", "echo $PWD {python} {root} {release} > log"))) == "SUCCEEDED"
    root = str(work.deployment.root)
    assert called(work) == [root, sys.executable, root, "v2"]


@pytest.mark.parametrize("part", ["precheck", "do", "verify"])
def test_a_failure_of_any_part_undoes_the_cutover_backwards(work: Work, part: str) -> None:
    first = own("first", undo=notes("undo-first"))
    second = own("second", **{"undo": notes("undo-second"), part: FAILS})
    assert run(work, first, second, own("third")) == "ABORTED"
    assert [call for call in called(work) if call.startswith("undo")] == ["undo-second", "undo-first"]
    assert "do-third" not in called(work)
    failure = read_operation(work.directory).failure
    assert f"own step second: its {part} command failed, exit 3: went wrong" in failure
    assert f"by hand: (cd {work.deployment.root} && /bin/sh -c" in failure


def test_a_precheck_that_fails_keeps_it_from_acting(work: Work) -> None:
    run(work, own("drain", precheck=FAILS))
    assert called(work) == []


def test_an_undo_that_fails_needs_a_person_who_gets_the_command(work: Work) -> None:
    assert run(work, own("first", undo=FAILS), own("second", do=FAILS)) == "NEEDS_HUMAN"
    assert "its undo command failed" in detail(work, "first") and "by hand: (cd " in detail(work, "first")


def test_one_that_does_not_end_is_killed_at_its_deadline_with_everything_it_started(work: Work) -> None:
    hangs = ("/bin/sh", "-c", "sleep 600 & echo $! > pid; wait")
    assert run(work, own("drain", do=hangs, deadline=0.5)) == "ABORTED"
    assert "did not end in time and was killed" in read_operation(work.directory).failure
    grandchild = int((work.deployment.root / "pid").read_text())
    await_that(lambda: identity_of(grandchild) is None, 10)


def test_an_abort_ends_it_and_undoes_it(work: Work) -> None:
    step = own("drain", do=("/bin/sh", "-c", "echo $$ > pid; sleep 600"), undo=notes("undo"))
    work._narrate = lambda text: ask(work.directory, work.me, "abort") if text.endswith("...") else None
    assert run(work, step) == "ABORTED"
    assert called(work) == ["undo"]


def test_a_program_that_is_not_there_is_a_failure_in_words(work: Work) -> None:
    run(work, own("drain", do=("/no/such/lb",)))
    assert "own step drain: its do command cannot be started: /no/such/lb" in read_operation(work.directory).failure


def test_the_phases_budget_says_nothing_about_it_only_its_own_deadline(work: Work, clock) -> None:  # type: ignore[no-untyped-def]
    work._narrate = lambda _text: clock.advance(3600)
    assert run(work, own("drain", do=("/bin/sleep", "0.2"))) == "SUCCEEDED"


# --- recovery -------------------------------------------------------------------------------------------------------


def test_recovery_asks_verify_and_does_not_repeat_what_it_finds_done(work: Work) -> None:
    work.record("intent", step="drain", title="drain")
    assert run(work, own("drain", verify=notes("verify"))) == "SUCCEEDED"
    assert called(work) == ["verify"]
    assert detail(work, "drain") == "found done by an earlier attempt"


def test_recovery_does_again_what_verify_does_not_find(work: Work) -> None:
    work.record("intent", step="drain", title="drain")
    step = own("drain", verify=("/bin/sh", "-c", "echo verify >> log; grep -q do-drain log"))
    assert run(work, step) == "SUCCEEDED"
    assert called(work) == ["verify", "do-drain", "verify"]


def test_without_verify_recovery_repeats_it_unless_it_is_journaled_as_done(work: Work) -> None:
    work.record("intent", step="begun", title="begun")
    work.record("intent", step="over", title="over")
    work.record("done", step="over", seconds=0.1)
    assert run(work, own("begun"), own("over")) == "SUCCEEDED"
    assert called(work) == ["do-begun"]


def test_undoing_again_undoes_only_what_is_left(work: Work) -> None:
    steps = [as_step(own(name, undo=notes(f"undo-{name}")), "3") for name in ("a", "b")]
    for step in steps:
        work.record("intent", step=step.name, title=step.title)
    work.record("undone", step="b")
    assert undo_steps(work, steps, lambda _step: None) == "ABORTED"
    assert called(work) == ["undo-a"]


# --- in a rollback --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["precheck", "do", "verify"])
def test_a_needed_one_that_fails_stops_a_rollback_for_a_person(back: Work, part: str) -> None:
    step = own("refill", operation="rollback", **{part: FAILS})
    assert run(back, step, own("after", operation="rollback")) == "NEEDS_HUMAN"
    assert "do-after" not in called(back)


@pytest.mark.parametrize("part", ["precheck", "do", "verify"])
def test_one_that_is_not_needed_warns_and_the_rollback_goes_on(back: Work, part: str) -> None:
    step = own("refill", operation="rollback", needed=False, **{part: FAILS})
    assert run(back, step, own("after", operation="rollback")) == "SUCCEEDED"
    assert "do-after" in called(back)
    now = read_operation(back.directory)
    assert now.steps[0].state == "skipped" and now.steps[0].detail.startswith(
        "NOT DONE, and not needed: own step refill"
    )
    assert f"refill: own step refill: its {part} command failed" in now.warnings[0]


def test_a_failed_rollback_prints_the_own_commands_that_remain_in_their_order(back: Work) -> None:
    def placed(name: str, **place: Any) -> OwnStep:
        return own(name, **{"operation": "rollback", "before": None, **place})

    mine = (placed("told", after=6), placed("early", before=1), placed("late", after=4, verify=PASSES))
    mine = (*mine, placed("done", after=4), own("other", before=3))
    back.plan = msgspec.structs.replace(back.plan, own_steps=mine)
    back.done_steps |= {"done"}
    back.facts |= {"abort_only": True, "snapshot": None}
    commands = remaining_commands(back)
    expected = ["do-early", "service stop v2", "service start v1", "do-late", "service status v1", "do-told", "resolve"]
    assert len(commands) == len(expected)
    assert all(word in command for word, command in zip(expected, commands, strict=True)), commands
    for command in commands:
        if command.startswith("(cd "):
            subprocess.run(command, shell=True, check=True, cwd="/", executable="/bin/sh")
    assert called(back) == ["do-early", "do-late", "do-told"]


def test_one_that_stops_a_rollback_at_its_very_beginning_leaves_every_command_to_the_end(
    deployment: Deployment,
    clock,  # type: ignore[no-untyped-def]
) -> None:
    deployment.metrics.mkdir(parents=True)
    manifest = take_snapshot(deployment, Origin("final", "0001-cutover", "v1", "b", clock.now().wall))
    early = own("early", operation="rollback", before=0, do=FAILS)
    back = work_on(deployment, clock, kind="rollback", snapshot=manifest.id, own_steps=(early,))
    assert run(back, early) == "NEEDS_HUMAN"
    words = [
        "exit 3",
        "service stop v2",
        "service stop v1",
        "mv -T",
        "cp -a -T",
        "service start v1",
        "status v1",
        "resolve",
    ]
    commands = remaining_commands(back)
    assert len(commands) == len(words)
    assert all(word in command for word, command in zip(words, commands, strict=True)), commands


def taking_over(back: Work, *, abort_only: bool) -> Work:
    """A rollback that ends a cutover of which the own steps a and b have acted, b is undone, and c has not begun."""
    left = work_on(back.deployment, back.clock)
    for name in ("a", "a2", "b"):
        left.record("intent", step=name, title=name)
    left.record("undone", step="b")
    undoes = tuple(own(name, undo=notes(f"undo-{name}-{{release}}")) for name in ("a", "a2", "b", "c"))
    back.plan = msgspec.structs.replace(back.plan, undoes=undoes, undoes_of=left.directory.name)
    back.fact("abort_only", abort_only)
    back.fact("snapshot", "0001")
    return back


def test_a_rollback_that_only_aborts_undoes_what_the_cutovers_own_steps_did(back: Work) -> None:
    taking_over(back, abort_only=True)
    step = next(step for step in steps_of(back.plan) if step.name == UNDO)
    assert any("undo-a2" in command for command in remaining_commands(back))
    assert run_steps(back, [step], lambda _step: None) == "SUCCEEDED"
    assert called(back) == ["undo-a2-v2", "undo-a-v2"]
    assert not any("undo-a" in command for command in remaining_commands(back))


def test_once_the_new_release_has_started_the_rollbacks_own_steps_lead_back(back: Work) -> None:
    taking_over(back, abort_only=False)
    step = next(step for step in steps_of(back.plan) if step.name == UNDO)
    assert run_steps(back, [step], lambda _step: None) == "SUCCEEDED"
    assert called(back) == []


# --- the plan -------------------------------------------------------------------------------------------------------

STEPS = """  own_steps:
    - {name: late, title: after the switch, operation: cutover, place: {after: 5}, do: [/bin/true]}
    - name: drain
      title: balancer drained
      operation: cutover
      place: {before: 3}
      precheck: [/bin/true]
      do: [/bin/sh, -c, "echo drain {release} >> own.log; touch drained; echo drained {release}"]
      verify: [/bin/sh, -c, "test -e drained"]
      undo: [/bin/rm, -f, drained]
      deadline: 5s
    - {name: ready, title: prepared, operation: cutover, place: {after: 2}, do: [/bin/true]}
    - name: refill
      title: balancer refilled
      operation: rollback
      place: {after: 4}
      do: [/bin/sh, -c, "echo refill {release} >> own.log; test ! -e stuck"]
    - {name: notify, title: team told, operation: rollback, place: {before: 0}, do: [/bin/false], needed: false}
"""


def with_own_steps(root: Path, text: str = STEPS) -> None:
    path = root / "config/console.yml"
    shipped = path.read_text()
    assert shipped.count("  own_steps: []\n") == 1
    path.write_text(shipped.replace("  own_steps: []\n", text))


def test_each_stands_at_its_place(deployment: Deployment) -> None:
    with_own_steps(deployment.root)
    loaded = load_deployment(deployment.root)
    names = [step.name for step in plan_cutover(loaded, hold=True).steps]
    for before, after in (
        ("validate_old", CHECK),
        (CHECK, "back_up_config"),
        ("stage_new", "ready"),
        ("ready", HOLD_STEP),
        (HOLD_STEP, "drain"),
        ("drain", "stop_old"),
        ("validate_new", "late"),
    ):
        assert names.index(after) == names.index(before) + 1, names
    names = [step.name for step in plan_rollback(loaded).steps]
    assert names[0] == "notify" and names[names.index("refill") - 1] == "set_aside"
    assert CHECK not in names and "drain" not in names


def test_they_are_sealed_what_is_edited_later_changes_nothing(deployment: Deployment) -> None:
    with_own_steps(deployment.root)
    plan = plan_cutover(load_deployment(deployment.root))
    orders = msgspec.json.encode(Orders("0001-cutover", plan, "a", "local", ""))
    with_own = [step.name for step in steps_of(plan)]
    (deployment.root / "config/console.yml").write_text("edited beyond recognition")
    again = msgspec.json.decode(orders, type=Orders).plan
    assert again.own_steps == plan.own_steps and again.own_steps[1].deadline == 5.0
    assert [step.name for step in steps_of(again)] == with_own


def test_a_plan_without_them_has_the_steps_it_always_had(deployment: Deployment) -> None:
    assert steps_of(plan_cutover(deployment)) == cutover.STEPS
    assert steps_of(plan_rollback(deployment)) == rollback.STEPS
    old: dict[str, Any] = msgspec.to_builtins(plan_cutover(deployment))
    for new in ("own_steps", "undoes", "undoes_of", "hold", "config_kept"):
        del old[new]
    assert steps_of(msgspec.convert(old, Plan)) == cutover.STEPS


def test_names_and_phases_of_the_configuration_are_those_of_the_steps(deployment: Deployment) -> None:
    known = {step.name for step in (*cutover.STEPS, *rollback.STEPS)} | {CHECK, UNDO, HOLD_STEP}
    assert known == BUILT_IN
    assert max(number_of(step.phase) for step in cutover.STEPS) == LAST_PHASE["cutover"]
    assert max(number_of(step.phase) for step in rollback.STEPS) == LAST_PHASE["rollback"]
    assert [number_of(step.phase) for step in cutover.STEPS if step.no_return] == [NO_RETURN_IN]


def test_the_prechecks_of_all_are_asked_before_anything_is_touched(work: Work) -> None:
    work.plan = msgspec.structs.replace(work.plan, own_steps=(own("a", precheck=FAILS), own("b")))
    checked = check_step(work.plan.own_steps, "0")
    assert (
        run_steps(work, [checked, *(as_step(step, "3") for step in work.plan.own_steps)], lambda _s: None) == "ABORTED"
    )
    assert "own step a: its precheck command failed" in read_operation(work.directory).failure
    assert called(work) == []


@pytest.mark.parametrize("operation", ["cutover", "rollback"])
@pytest.mark.parametrize("program", ["/no/such/lb", "no-such-lb", "bin/lb"])
def test_a_missing_program_is_found_before_anything_is_touched_that_of_the_way_back_too(
    work: Work, operation: str, program: str
) -> None:
    step = own("a", operation=operation, do=(program,))
    assert run_steps(work, [check_step((step,), "0")], lambda _step: None) == "ABORTED"
    assert f"own step a of the {operation}: there is no program {program}" in read_operation(work.directory).failure


def test_dry_run_names_them_and_what_they_run(deployment: Deployment) -> None:
    with_own_steps(deployment.root)
    shown = abaco("--root", str(deployment.root), "rollback", "--dry-run").stdout
    assert "4 start         refill             balancer refilled  <- your own: /bin/sh -c echo refill" in shown


# --- for real -------------------------------------------------------------------------------------------------------


@pytest.fixture
def stepped(round_trip: Site) -> Any:
    path = round_trip.root / "config/console.yml"
    before = path.read_text()
    with_own_steps(round_trip.root)
    yield round_trip
    path.write_text(before)
    for name in ("own.log", "drained", "stuck"):
        (round_trip.root / name).unlink(missing_ok=True)


def said(site: Site) -> list[str]:
    log = site.root / "own.log"
    return log.read_text().splitlines() if log.exists() else []


def test_cutover_and_rollback_run_them_and_resume_what_stopped(stepped: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    config, metrics = stepped.config(), stepped.metrics()
    begun = dying(monkeypatch, stepped.begin_cutover, "stop_old", "before")
    assert stepped.settled(begun.id).state == "INTERRUPTED"
    with_edit = stepped.root / "config/console.yml"
    with_edit.write_text(with_edit.read_text().replace("echo drain ", "echo EDITED "))
    resumed = abaco("--root", str(stepped.root), "resume", begun.id)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert said(stepped) == ["drain v2"], "verify found it done"

    (stepped.root / "stuck").touch()
    back = stepped.rollback()
    assert back.state == "NEEDS_HUMAN", back
    assert "own step refill: its do command failed" in back.failure
    assert any("NOT DONE" in step.detail for step in back.steps if step.name == "notify")
    remain = [offer for offer in back.offers if offer.startswith("(cd ")]
    assert len(remain) == 1 and "echo refill v1" in remain[0]
    (stepped.root / "stuck").unlink()
    back = stepped.rollback()
    assert back.state == "SUCCEEDED", back
    assert said(stepped) == ["drain v2", "refill v1", "refill v1"]
    stepped.assert_back_on_v1(config, metrics)
