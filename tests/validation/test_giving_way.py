"""A validation gives way to everything else on the machine; what a cutover waits for does not."""

from __future__ import annotations

import os
import subprocess
import sys

NICENESS = 5

PROGRAM = """
import os, sys
from engine.validation import __main__ as program
import engine.validation.run, engine.validation.stage
told = lambda *_, **__: print(os.getpriority(os.PRIO_PROCESS, 0)) or sys.exit(0)
engine.validation.run.run_validation = engine.validation.stage.stage = told
program.load_deployment = lambda root: None
program._check_release = lambda *_: None
program.main(sys.argv[1:])
"""


def niceness_of(*words: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    return int(done.stdout)


def test_a_validation_stands_behind_everything_else() -> None:
    assert niceness_of("run", "--root", ".", "--give-way") == max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))


def test_what_a_cutover_waits_for_does_not() -> None:
    for words in (("run",), ("stage", "--release", "v2")):
        assert niceness_of(*words, "--root", ".") == os.getpriority(os.PRIO_PROCESS, 0)
