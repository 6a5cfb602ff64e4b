"""Where the console does not draw, it says so in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from a_terminal import PlayedTerminal

from engine.config import Deployment
from tui.terminal import refusal

GOOD = {"TERM": "xterm-256color"}


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_an_incapable_terminal_is_refused(term: str) -> None:
    said = refusal({"TERM": term}, encoding="utf-8", terminals=True)
    assert "cannot draw" in said
    assert "abaco-ops status" in said


def test_another_encoding_is_refused() -> None:
    assert "UTF-8" in refusal(GOOD, encoding="iso-8859-1", terminals=True)


def test_no_terminal_is_refused() -> None:
    assert "needs a terminal" in refusal(GOOD, encoding="utf-8", terminals=False)


def test_a_good_terminal_is_not() -> None:
    assert refusal(GOOD, encoding="UTF-8", terminals=True) == ""


def test_a_pipe_gets_a_sentence_and_exit_code_2(deployment: Deployment) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui.main", "--root", str(deployment.root)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_real_console_opens_on_a_deployment_that_has_never_run(deployment: Deployment) -> None:
    terminal = PlayedTerminal(["-m", "tui.main", "--read-only", "--root", str(deployment.root)])
    try:
        terminal.wait_for("READ-ONLY")
        terminal.wait_for("UNKNOWN")
        terminal.type("q")
        assert terminal.ended(20) == 0
        assert b"Come back: abaco-ops --root" in terminal.output
    finally:
        terminal.close()


def test_the_console_needs_neither_pandas_nor_the_kpi_code(tmp_path: Path) -> None:
    code = (
        "import sys, tui.console; "
        "print([name for name in ('pandas', 'numpy', 'pyarrow', 'engine.portfolio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
