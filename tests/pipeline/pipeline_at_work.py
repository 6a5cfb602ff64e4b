"""Tapes made in a test, and a release's pipeline run as a real process."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import Deployment
from engine.pipeline.figures import COLUMNS, DATE, Figures, Program
from engine.records import read_lines

HEADER = ("loan_id", DATE, *COLUMNS)
RELEASES = ("v1", "v2")


def eventually(true: Callable[[], bool], within: float = 30.0) -> None:
    """Wait until it is so; AssertionError when it does not come."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come to this in time"
        time.sleep(0.01)


def tape(rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> bytes:
    lines = [",".join(header), *(",".join(str(cell) for cell in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def computed(program: Program, data: bytes, name: str = "tape.csv", decimals: int = 9) -> Figures:
    return program.compute(io.BytesIO(data), name, decimals=decimals, between=lambda: None)


def large_tape(path: Path, rows: int) -> None:
    """Many loans of one date, quickly written."""
    line = ",2025-12-31,1000.25,950.5,95.25,20.5,10.25,5.125\n"
    with path.open("w") as stream:
        stream.write(",".join(HEADER) + "\n")
        stream.writelines(f"L{number}{line}" for number in range(rows))


@dataclass
class Pipeline:
    """The programs of one release on one deployment."""

    deployment: Deployment
    release: str

    def configure(self, **settings: str) -> None:
        """Make this release the configured one; ``settings`` replace values of its ``pipeline:`` section."""
        shutil.copyfile(self.deployment.paths.release(self.release), self.deployment.active_config)
        text = self.deployment.active_config.read_text()
        for name, value in settings.items():
            line = next(line for line in text.splitlines() if line.startswith(f"  {name}:"))
            text = text.replace(line, f"  {name}: {value}")
        self.deployment.active_config.write_text(text)

    def command(self, program: str, *words: str) -> list[str]:
        rooted = ["--root", str(self.deployment.root)] if program in ("serve", "verify") else []
        return [sys.executable, "-m", "engine.pipeline", program, "--release", self.release, *rooted, *words]

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(program, *words), capture_output=True, text=True, timeout=60, check=False, cwd="/"
        )

    def verify(self) -> dict[str, Any]:
        done = self.run("verify", "--json")
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if answer["status"] == "FAIL" else 0)
        return answer

    def runs(self) -> list[dict[str, Any]]:
        return [run for run in read_lines(self.deployment.paths.runs) if run["release"] == self.release]

    def published(self) -> list[str]:
        """Names of everything in the directory of metrics, hidden files too."""
        directory = self.deployment.metrics
        return sorted(path.name for path in directory.iterdir()) if directory.exists() else []
