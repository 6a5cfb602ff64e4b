"""A release's own KPI program, asked about any number of tapes in one process."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.config import Deployment
from engine.errors import OpsError
from engine.records import harmless
from engine.records.undecodable import UNDECODABLE
from engine.services.leaving import kill_marked, kill_with_descendants
from engine.services.remains import MARK_VARIABLE, new_mark

Answer = dict[str, Any]
_NO_NUMBER = re.compile(rb"[:,\[]\s*-?(NaN|Infinity)\b")
"""What json.dumps of Python writes for a number that is none."""


class ProgramFailed(OpsError):
    """The KPI program did not answer as the release contract says."""


class KpiProgram:
    """The program, running; it was started by :func:`ask` and works while the caller does something else."""

    def __init__(self, command: Sequence[str], tapes: Sequence[Path], cwd: Path, deadline: float) -> None:
        self._tapes = [str(tape.absolute()) for tape in tapes]
        self._deadline = time.monotonic() + deadline
        self._allowed = deadline
        self._mark = new_mark("kpi")
        self._name = harmless(" ".join(command[-4:]), 120)
        with contextlib.ExitStack() as stack:
            self._out = stack.enter_context(tempfile.TemporaryFile())
            self._err = stack.enter_context(tempfile.TemporaryFile())
            try:
                self._process = subprocess.Popen(
                    [*command, *self._tapes],
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=self._out,
                    stderr=self._err,
                    env={**os.environ, MARK_VARIABLE: self._mark},
                )
            except OSError as error:
                raise ProgramFailed(f"the KPI program {self._name} cannot be started: {error.strerror}") from error
            self._files = stack.pop_all()

    def answers(self) -> list[Answer]:
        """One answer per tape, in order. ProgramFailed when it takes too long, dies, or answers otherwise."""
        with self._files:
            code = self._wait()
            if code < 0:
                kill_marked(self._mark)  # it was killed, perhaps for want of memory: what it had started ends too
            self._out.seek(0)
            lines = self._out.read().splitlines()
            if code != 0:
                raise ProgramFailed(f"the KPI program {self._name} ended with exit code {code}: {self._last_words()}")
        return self._parsed(lines)

    def stop(self) -> None:
        """End it without asking for its answers; harmless when it has ended."""
        if self._process.poll() is None:
            kill_with_descendants(self._process)
        self._files.close()

    def _wait(self) -> int:
        try:
            return self._process.wait(max(self._deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            kill_with_descendants(self._process)
            raise ProgramFailed(f"the KPI program {self._name} gave no answer in {self._allowed:g} s") from None
        except BaseException:  # whoever waits is to end
            kill_with_descendants(self._process)
            raise

    def _last_words(self) -> str:
        self._err.seek(0)
        said = self._err.read().decode(errors="replace").strip().splitlines()
        return harmless(said[-1], 200) if said else "it said nothing"

    def _parsed(self, lines: list[bytes]) -> list[Answer]:
        if len(lines) != len(self._tapes):
            raise ProgramFailed(f"the KPI program {self._name} answered {len(lines)} of {len(self._tapes)} tapes")
        answers = []
        for line, tape in zip(lines, self._tapes, strict=True):
            try:
                answer = msgspec.json.decode(line, type=dict[str, Any])
            except UNDECODABLE as error:
                raise ProgramFailed(_no_json(self._name, line, tape, error)) from error
            if answer.get("tape") != tape or not isinstance(answer.get("kpis"), Mapping):
                raise ProgramFailed(f"the KPI program {self._name} did not answer for {harmless(tape)}")
            answers.append(answer)
        return answers


def _no_json(program: str, line: bytes, tape: str, error: Exception) -> str:
    """``sound.csv`` tells which odd tape it was: the directory it stood in is gone when this is read."""
    said = f"the KPI program {program} answered no JSON for {harmless(Path(tape).name)}: {error}"
    if _NO_NUMBER.search(line):
        said += "; NaN and Infinity are no JSON: answer null, with a reason"
    return said


def ask(deployment: Deployment, release: str, tapes: Sequence[Path]) -> KpiProgram:
    """Start the KPI program of ``release`` on ``tapes``. ProgramFailed when it cannot be started."""
    command = deployment.command(deployment.releases[release].programs.kpi, release)
    return KpiProgram(command, tapes, deployment.root, float(deployment.console.cadence.command_deadline))
