"""Operations carried out in a fork of this process, by the real launch and the real worker, and broken on the way."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import breaker
import ground as grounds
import stand_in

from engine.errors import OpsError
from engine.operations import launch, steering, worker
from engine.operations.journal import list_operations
from engine.operations.model import Operation
from engine.operations.work import Work

PATIENCE = 60.0
UNEXPECTED = 99
NO_END = -signal.SIGALRM
Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """Break call ``at`` (0: none) in this way; or end the worker at ``step``, its intent written, nothing done."""

    at: int = 0
    how: str = "kill"
    step: str = ""
    supervisor: bool = False
    """Of the supervisor that the operation starts first, instead of the worker."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the process that carried it out has ended."""

    code: int
    """Exit code, or the negative signal."""
    calls: list[breaker.Call]
    said: str


def cutover(place: grounds.Ground) -> Act:
    """A confirmed cutover."""
    return lambda: launch.launch(
        place.deployment, launch.plan_cutover(place.deployment), reason="sweep", actor="tester", origin="local"
    )


def rollback(place: grounds.Ground) -> Act:
    """A confirmed rollback, whatever stands open."""
    return lambda: launch.launch(
        place.deployment, launch.plan_rollback(place.deployment), reason="sweep", actor="tester", origin="local"
    )


def resume(place: grounds.Ground, operation: str) -> Act:
    """Go on with one that stopped half-way."""
    return lambda: steering.resume(place.deployment, operation, actor="tester", origin="local")


def abort(place: grounds.Ground, operation: str) -> Act:
    """Undo one that stopped half-way."""
    return lambda: steering.abort(place.deployment, operation, actor="tester", origin="local")


def carry_out(place: grounds.Ground, act: Act, fault: Fault, power: int = -1) -> Ending:
    """Carry it out in a process of its own, to its end."""
    return _Process(place, act, fault, power).ending()


def start_together(place: grounds.Ground, acts: Sequence[Act]) -> list[Ending]:
    """Carry out several at the same time, as by people who do not know of each other."""
    started = [_Process(place, act, Fault()) for act in acts]
    return [process.ending() for process in started]


class _Process:
    """One that has been started."""

    def __init__(self, place: grounds.Ground, act: Act, fault: Fault, power: int = -1) -> None:
        self._root = place.root
        self._log, self._said = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed at its end
        self._pid = os.fork()
        if self._pid == 0:
            _in_child(place, act, fault, self._log.fileno(), self._said.fileno(), power)

    def ending(self) -> Ending:
        """Wait for it."""
        code = _await(self._pid)
        with self._log as log, self._said as said:
            log.seek(0)
            said.seek(0)
            calls = breaker.read_log(log.read().decode("utf-8", "replace"), self._root)
            return Ending(code, calls, said.read().decode("utf-8", "replace")[-2000:])


def operations(place: grounds.Ground) -> list[Operation]:
    """All that were accepted, as the history tells them."""
    return [item for item in list_operations(place.deployment.paths.operations) if item.started is not None]


def _in_child(place: grounds.Ground, act: Act, fault: Fault, log: int, said: int, power: int) -> None:
    """Never returns. The worker, which else is a process of its own, works in this one: its calls are counted too."""
    code = UNEXPECTED
    try:
        os.setsid()
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", 1, closefd=False)
        launch.spawn_detached = _work_here  # type: ignore[attr-defined]
        deployment = place.deployment
        worker.load_deployment = lambda _root: deployment  # type: ignore[attr-defined]  # no case changes it
        if fault.step:
            _die_at(fault.step)
        arm = partial(breaker.arm, place.root, fault.at, fault.how, log, power)
        if fault.supervisor:
            stand_in.on_supervisor.append(arm)
            stand_in.kept_open.append(log)
        else:
            arm()
        act()
        code = 0
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        code = error.exit_code
    except OSError as error:  # what the command line turns into one sentence
        sys.stderr.write(f"{error}\n")
        code = 2
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _work_here(command: list[str], *, cwd: Path, output: Path) -> int:
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    os.dup2(descriptor, 1)
    os.close(descriptor)
    code = UNEXPECTED
    try:
        code = worker.main(command[command.index("engine.operations.worker") + 1 :])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
    return 0


def _die_at(step: str) -> None:
    really = Work.record

    def record(self: Work, kind: str, **data: object) -> int:
        number = really(self, kind, **data)
        if kind == "intent" and data.get("step") == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    Work.record = record  # type: ignore[method-assign]


def _await(pid: int) -> int:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return NO_END
