"""Which form of each command writes; where only looking is allowed, each of those is refused and changes nothing."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.cli import frame
from engine.cli.frame import main
from engine.config import Deployment, load_deployment
from engine.config.looking import only_looking
from engine.errors import Refused

# every form of every command, as it is typed. DIR: a directory elsewhere
WRITES = """
demo DIR --no-console
demo DIR --stop
init DIR
validate
validate --tape FILE
validate --html FILE
validations --html FILE
validate --detach
cutover
cutover --yes --reason x
cutover --hold --yes --reason x
rollback
rollback --yes
rollback --yes --force
go
abort 0001
resume 0001
resolve 0001 --reason x
rehearse
service start v1
service stop v1
monitor
monitor --stop
checklist tick before/0/team
checklist override before/0/team --reason x
gate go hour-1
gate no-go hour-1
gate test
note something
ack MEM
ack --all --reason x
ack MEM --early
silence MEM --for 30m --reason x
silence --end MEM
update --send
update --sent
notify test
watch take
report
report -o FILE
archive
archive -o FILE
drill latency
drill --end
"""
VIEWS = """
doctor
service status
status
status --json
status --update
why MEM
follow --for 0
kpi TAPE
validations
validations newest
ready
cutover --dry-run
rollback --dry-run
history
snapshots
snapshots verify
service status v1
service may-start v1
checklist
checklist show
gate
gate list
gate show
silence --list
update
notify list
watch
watch show
wall
watch handover
report -o - --format md
audit verify
rules test FILE
replay --at now
drill --list
"""
# what unit files run: systemd goes on with it where people may only look
OF_UNITS = """
operate 0001-cutover.1
service exec v1
"""
# demo and init make what they write elsewhere: a configuration that says read-only is not asked for that
ELSEWHERE = ("demo", "init")


def forms(table: str) -> list[str]:
    return [line for line in table.splitlines() if line]


def named(line: str) -> tuple[str, str]:
    """A command, and the word behind it that chooses what it does."""
    command, *rest = line.split()
    return command, rest[0] if rest else ""


def test_every_form_of_every_command_is_in_the_table() -> None:
    table = {named(line) for line in forms(WRITES) + forms(VIEWS) + forms(OF_UNITS)}
    assert {command for command, _ in table} == set(frame.COMMANDS)
    for name, (module, _) in frame.COMMANDS.items():
        parser = argparse.ArgumentParser()
        importlib.import_module(f"engine.cli.{module}").add_arguments(parser)
        for argument in parser._actions:
            if argument.dest in ("action", "what"):
                for choice in argument.choices or ():
                    assert (name, choice) in table, f"abaco-ops {name} {choice} is neither of those that write nor look"


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory"
        for path in root.rglob("*")
    }


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's configuration and a tape; nothing runs."""
    from engine.config.templates import write_config

    root = tmp_path_factory.mktemp("pristine") / "deployment"
    write_config(root, demo=True)
    tape = root / "data/raw/loan_tape.csv"
    tape.parent.mkdir(parents=True)
    tape.write_text("loan_id,measurement_date\n")
    return root


@pytest.fixture
def root(pristine: Path, tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(pristine, tmp_path / "deployment")
    yield tmp_path / "deployment"


def make_read_only(root: Path) -> Path:
    path = root / "config/console.yml"
    text = path.read_text()
    assert "read_only: false" in text
    path.write_text(text.replace("read_only: false", "read_only: true"))
    return root


def run(root: Path, line: str, *before: str) -> int:
    places = {"DIR": str(root.parent / "elsewhere"), "FILE": str(root.parent / "file"), "TAPE": "data/raw/x.csv"}
    words = [places.get(word, word) for word in line.split()]
    try:
        return main(["--root", str(root), *before, *words], lambda *_: 0)
    except SystemExit as ended:
        raise AssertionError(f"{line}: not understood") from ended


@pytest.mark.parametrize("line", forms(WRITES) + forms(OF_UNITS))
def test_what_writes_is_refused_with_the_option(root: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(root.parent)
    assert run(root, line, "--read-only") == 2
    assert "writes, and --read-only was given" in capsys.readouterr().err
    assert contents(root.parent) == before


@pytest.mark.parametrize("line", [line for line in forms(WRITES) if named(line)[0] not in ELSEWHERE])
def test_what_writes_is_refused_by_configuration(root: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_read_only(root)
    before = contents(root.parent)
    assert run(root, line) == 2
    assert "writes, and this deployment is read-only" in capsys.readouterr().err
    assert contents(root.parent) == before


@pytest.mark.parametrize("line", forms(VIEWS))
def test_what_looks_is_not_refused_and_leaves_every_byte(
    root: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_read_only(root)
    before = contents(root.parent)
    run(root, line, "--read-only")
    assert "read-only" not in capsys.readouterr().err
    assert contents(root.parent) == before


def asked_of_the_engine(deployment: Deployment) -> list[tuple[str, Callable[[], object]]]:
    """Every request of the console and of the command line, made past both of them."""
    from engine.clock import SystemClock
    from engine.monitoring import answers, deciding, drilling, release_tests
    from engine.notify import trial
    from engine.operations import launch, rehearsal, steering
    from engine.reports import archive, publish
    from engine.state import hand_over, sending

    clock = SystemClock()
    who = {"actor": "kim@ops1"}
    return [
        (
            "launch",
            lambda: launch.launch(deployment, launch.plan_cutover(deployment), reason="", origin="local", **who),
        ),
        ("continue", lambda: launch.continue_operation(deployment, "0001-cutover", "resume", origin="local", **who)),
        ("abort", lambda: steering.abort(deployment, "0001", **who)),
        ("go", lambda: steering.go(deployment, None, **who)),
        ("resolve", lambda: steering.resolve(deployment, "0001", reason="x", **who)),
        ("rehearse", lambda: rehearsal.rehearse(deployment, clock)),
        ("rehearse apart", lambda: rehearsal.start(deployment)),
        ("tick", lambda: answers.tick(deployment, "x", **who)),
        ("override", lambda: answers.override(deployment, "x", reason="x", **who)),
        ("note", lambda: answers.note(deployment, "x", **who)),
        ("acknowledge", lambda: answers.acknowledge(deployment, "MEM", **who)),
        ("silence", lambda: answers.silence(deployment, "MEM", reason="x", lasts=60, **who)),
        ("end silence", lambda: answers.end_silence(deployment, "MEM", **who)),
        ("watch", lambda: hand_over.take(deployment, **who)),
        ("decide", lambda: deciding.decide(deployment, "hour-1", "go", **who)),
        ("tests", lambda: release_tests.run_tests(deployment, **who)),
        ("drill", lambda: drilling.begin(deployment, "latency", seconds=None, clock=clock, **who)),
        ("send", lambda: sending.send_update(deployment, ["log"], clock=clock, **who)),
        ("sent", lambda: sending.record_sent(deployment, [], clock=clock, **who)),
        ("report", lambda: publish.write_report(deployment, clock, None)),
        ("archive", lambda: archive.archive(deployment, clock, "now")),
        ("channels", lambda: trial.try_channels(deployment, ["log"], clock, **who)),
    ]


@pytest.mark.parametrize("way", ["option", "configuration"])
def test_the_engine_refuses_whatever_asked_before(root: Path, way: str) -> None:
    deployment = only_looking(load_deployment(root)) if way == "option" else load_deployment(make_read_only(root))
    before = contents(root)
    for name, ask in asked_of_the_engine(deployment):
        with pytest.raises(Refused, match="writes, and"):
            ask()
            raise AssertionError(name)
    assert contents(root) == before


def test_a_refused_rollback_names_the_way_out_without_this_program(root: Path) -> None:
    from engine.config.looking import must_write

    deployment = load_deployment(make_read_only(root))
    script = deployment.paths.rollback / "RETURN.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\n")
    with pytest.raises(Refused) as refused:
        must_write(deployment, "abaco-ops rollback")
    assert f"sh {script}" in refused.value.fix
    assert "console.yml" in refused.value.fix
