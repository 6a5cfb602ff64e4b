"""A person at the command line of one demo deployment, and what they can see of it from outside."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in_this_process import here

COMMAND = (sys.executable, "-m", "tui.main")


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Operator:
    """Runs ``abaco-ops`` on the deployment at ``root``."""

    root: Path

    def run(self, *words: str, timeout: float = 90) -> Answer:
        done = subprocess.run(
            [*COMMAND, "--root", str(self.root), *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def status(self) -> dict[str, Any]:
        answer = self.run("status", "--json")
        assert answer.code == 0, answer.err
        status: dict[str, Any] = answer.json()
        return status

    def until(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 30) -> dict[str, Any]:
        """The first status that is as wanted; AssertionError with the last one.

        Looked for in this process, so that waiting takes nothing away from what is waited for; then asked for as a
        person asks.
        """
        end = time.monotonic() + timeout
        while True:
            status = json.loads(here("--root", str(self.root), "status", "--json").stdout)
            if wanted(status) and wanted(status := self.status()):
                return status
            if time.monotonic() > end:
                raise AssertionError(json.dumps(status, indent=1)[:6000])
            time.sleep(0.1)

    def published(self) -> dict[str, str]:
        """Every file of the published metrics, by name, with its sha256."""
        return hashes(self.root / "data" / "metrics")

    def operation(self, kind: str) -> Path:
        """The directory of the newest operation of this kind."""
        return sorted((self.root / ".rollback" / "operations").glob(f"*-{kind}"))[-1]


def hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def corrupt(tape: Path) -> None:
    """Break the live tape as a bad load does: the last loans come twice, and receivables lose their sign."""
    lines = tape.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("total_receivable_usd")
    doubled = []
    for line in lines[-40:]:
        cells = line.split(",")
        cells[column] = f"-{cells[column]}"
        doubled.append(",".join(cells))
    tape.write_text("\n".join([*lines, *doubled]) + "\n", encoding="utf-8")
