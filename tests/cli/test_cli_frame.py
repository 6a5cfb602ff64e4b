"""The frame of the command line: options on both sides, one gate for writing, sentences instead of tracebacks."""

from __future__ import annotations

import argparse
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli import frame
from engine.cli.frame import _SCREEN, Context, main
from engine.cli.word import VALUED, command_word
from engine.config import Deployment
from engine.errors import LockHeld, NeedsHuman, OperationFailed, Refused


def no_console(root: Path, read_only: bool) -> int:
    raise AssertionError("no console was asked for")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Context]]:
    """Replaces what a command does; the list holds the contexts it was called with."""

    def replace(name: str, act: Callable[[Context, Any], int] = lambda *_: 0) -> list[Context]:
        called: list[Context] = []

        def run(context: Context, options: argparse.Namespace) -> int:
            called.append(context)
            return act(context, options)

        def add_arguments(parser: argparse.ArgumentParser) -> None:
            parser.add_argument("--dry-run", action="store_true")
            parser.add_argument("words", nargs="*")

        module = types.ModuleType(f"engine.cli.{frame.COMMANDS[name][0]}")
        module.run, module.add_arguments = run, add_arguments  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return called

    return replace


def test_every_command_is_there() -> None:
    import importlib

    for name, (module_name, summary) in frame.COMMANDS.items():
        module = importlib.import_module(f"engine.cli.{module_name}")
        assert callable(module.add_arguments) and callable(module.run), name
        assert summary


@pytest.mark.parametrize(
    "arguments",
    [
        ["--root", "ROOT", "--read-only", "status"],
        ["status", "--root", "ROOT", "--read-only"],
        ["--read-only", "status", "--root=ROOT"],
        ["--root=ROOT", "status", "--read-only"],
    ],
)
def test_options_stand_before_or_after_the_command(
    commands: Callable[..., list[Context]], tmp_path: Path, arguments: list[str]
) -> None:
    called = commands("status")
    assert main([word.replace("ROOT", str(tmp_path)) for word in arguments], no_console) == 0
    assert (called[0].root, called[0].read_only) == (tmp_path, True)


@pytest.mark.parametrize("arguments", [["--version"], ["status", "--version"], ["--root", "x", "--version"]])
def test_the_version_is_told_wherever_it_is_asked(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, no_console)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("abaco-ops 0")


def test_without_a_command_the_console_opens(tmp_path: Path) -> None:
    opened: list[tuple[Path, bool]] = []

    def console(root: Path, read_only: bool) -> int:
        opened.append((root, read_only))
        return 7

    assert main(["--read-only", "--root", str(tmp_path)], console) == 7
    assert opened == [(tmp_path, True)]


def test_a_directory_named_like_a_command_is_no_command() -> None:
    assert command_word(["--root", "demo", "status"]) == "status"
    assert command_word(["--root=demo"]) is None
    assert set(VALUED) == {"--root", *_SCREEN}


def test_a_slip_in_a_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rolback", "--yes"], no_console) == 2
    assert "did you mean abaco-ops rollback?" in capsys.readouterr().err


def test_no_option_is_guessed_from_its_beginning(
    commands: Callable[..., list[Context]], capsys: pytest.CaptureFixture[str]
) -> None:
    called = commands("rollback")
    with pytest.raises(SystemExit) as ended:
        main(["rollback", "--dry"], no_console)
    assert ended.value.code == 2
    assert called == []


@pytest.mark.parametrize("name", sorted(frame.ALWAYS_WRITE | frame.WRITE_UNLESS_DRY))
def test_who_may_only_look_cannot_write(
    commands: Callable[..., list[Context]], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    called = commands(name)
    assert main(["--read-only", name], no_console) == 2
    assert called == []
    assert "--read-only" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(frame.WRITE_UNLESS_DRY))
def test_a_dry_run_only_looks(commands: Callable[..., list[Context]], name: str) -> None:
    called = commands(name)
    assert main(["--read-only", name, "--dry-run"], no_console) == 0
    assert len(called) == 1


def test_a_deployment_that_may_only_be_looked_at_refuses_every_writer(
    commands: Callable[..., list[Context]], deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deployment.paths.config / "console.yml"
    path.write_text(path.read_text().replace("read_only: false", "read_only: true"))
    called = commands("rollback", lambda context, _: len(context.deployment().root.parts) * 0)
    assert main(["rollback", "--root", str(deployment.root)], no_console) == 2
    assert "this deployment is read-only" in capsys.readouterr().err
    assert len(called) == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Refused("not now", "later"), 2, "not now\n  -> later"),
        (OperationFailed("failed"), 3, "failed"),
        (NeedsHuman("stopped"), 4, "stopped"),
        (LockHeld("k.lee operates"), 5, "k.lee operates"),
        (PermissionError(13, "Permission denied", "/x/y"), 2, "/x/y: Permission denied"),
        (ValueError("odd"), 4, "a mistake in abaco-ops itself: ValueError: odd"),
    ],
)
def test_every_error_is_a_sentence_with_its_code(
    commands: Callable[..., list[Context]], error: Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise error

    commands("status", fail)
    assert main(["status"], no_console) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


def test_a_mistake_of_our_own_can_be_traced(
    commands: Callable[..., list[Context]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(frame.TRACEBACK_VARIABLE, "1")
    commands("status", lambda *_: int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        main(["status"], no_console)


def test_ctrl_c_ends_a_command_quietly(commands: Callable[..., list[Context]]) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    commands("follow", interrupt)
    assert main(["follow"], no_console) == 130


def abaco_ops(*words: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui.main", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.mark.parametrize("words", [["status"], ["doctor"], ["cutover"], ["audit", "verify"], ["checklist"]])
def test_a_directory_that_is_no_deployment_says_what_to_do(tmp_path: Path, words: list[str]) -> None:
    ended = abaco_ops(*words, cwd=tmp_path)
    assert ended.returncode in (1, 2)
    said = ended.stdout + ended.stderr
    assert "is no deployment" in said
    assert "abaco-ops demo" in said
    assert "Traceback" not in said


def test_a_reader_that_leaves_is_no_traceback(deployment: Deployment) -> None:
    command = f"{sys.executable} -m tui.main --help | true"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""


def test_a_terminal_without_unicode_is_no_traceback(deployment: Deployment, clock: Any) -> None:
    from engine.records import append_event

    append_event(deployment.paths.events, "watch.taken", {"holder": "Müller"}, source="t", clock=clock)
    env = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii"}
    ended = abaco_ops("status", cwd=deployment.root, env=env)
    assert ended.returncode == 0
    assert "M\\xfcller" in ended.stdout


def test_asking_for_the_version_loads_no_configuration_reader() -> None:
    program = "import sys; from tui.main import main\nsys.argv = ['abaco-ops', '--version']\n"
    program += "try: main()\nexcept SystemExit: print(*[n for n in ('yaml', 'msgspec', 'textual') if n in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[1:] == [""]


@pytest.mark.parametrize(
    ("closed", "said"), [(">&-", "standard output is closed, so nothing was done"), (">&- 2>&-", "")]
)
def test_where_nothing_can_be_printed_nothing_is_begun_and_that_is_no_mistake(
    deployment: Deployment, closed: str, said: str
) -> None:
    command = f'"{sys.executable}" -m tui.main --root "{deployment.root}" note "never written" {closed}'
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "mistake" not in ended.stderr
    assert not deployment.paths.events.exists()
