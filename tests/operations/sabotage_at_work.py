"""A worker into which something is put at an exact moment: ``sabotage_at_work.py PLAN WORKER-ARGUMENTS...``.

PLAN is JSON. ``step`` and ``when`` say the moment: ``before`` the step's intent, ``inside`` before it acts, ``after``
it has acted and before that is journaled. ``run`` is a command that must succeed (``{journal}`` is the operation's);
``fail`` lets the step fail with these words.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.operations.launch import Accepted


def sabotage(
    monkeypatch: pytest.MonkeyPatch, step: str, when: str, *, run: Sequence[str | Path] = (), fail: str = ""
) -> None:
    """Every worker that this test process starts from now on meets it; ``monkeypatch.undo()`` ends that."""
    from engine.operations import launch

    really = launch.spawn_detached
    plan = json.dumps({"step": step, "when": when, "run": list(map(str, run)), "fail": fail})

    def spawn(command: Sequence[str], **options: Any) -> int:
        at = command.index("engine.operations.worker")
        return really([*command[: at - 1], __file__, plan, *command[at + 1 :]], **options)

    monkeypatch.setattr(launch, "spawn_detached", spawn)


def dying(monkeypatch: pytest.MonkeyPatch, begin: Callable[[], Accepted], step: str, when: str = "inside") -> Accepted:
    """Begin an operation whose worker is killed at exactly this moment."""
    with monkeypatch.context() as patch:
        sabotage(patch, step, when, run=("sh", "-c", "kill -KILL $PPID"))
        return begin()


JOURNAL_READ_ONLY = ("sh", "-c", "mount --bind {journal} {journal} && mount -o remount,bind,ro {journal}")
"""A journal that cannot be written, and not for want of room; see :func:`writable_again`."""


def writable_again(journal: Path) -> None:
    subprocess.run(["umount", "-l", str(journal)], check=True)


def _install(plan: dict[str, Any]) -> None:
    from engine.operations import runner
    from engine.operations.step import Outcome, Step, StepFailed
    from engine.operations.work import Work

    forward, do = runner._forward, runner._do
    once: list[str] = []

    def strike(work: Work, step: Step, when: str) -> None:
        if (step.name, when) == (plan["step"], plan["when"]) and not once:
            once.append(when)
            if plan["run"]:
                journal = str(work.directory / "journal.jsonl")
                subprocess.run([word.replace("{journal}", journal) for word in plan["run"]], check=True)
            if plan["fail"]:
                raise StepFailed(plan["fail"])

    def forward_with(work: Work, step: Step) -> None:
        strike(work, step, "before")
        forward(work, step)

    def do_with(work: Work, step: Step) -> Outcome:
        strike(work, step, "inside")
        outcome = do(work, step)
        strike(work, step, "after")
        return outcome

    runner._forward, runner._do = forward_with, do_with


if __name__ == "__main__":
    from engine.operations import worker

    _install(json.loads(sys.argv[1]))
    raise SystemExit(worker.main(sys.argv[2:]))
