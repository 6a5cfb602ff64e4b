"""A deployment so small that it can be laid anew for each case: two releases in plain sh, and a ledger outside it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import stand_in

from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.services import open_service

RELEASE_PROGRAM = Path(__file__).with_name("little_release.sh")
_FIGURES = {
    "verify_hold: 1s": "verify_hold: 30ms",
    "stop_deadline: 3s": "stop_deadline: 2s",
    "min_free: 100 MB": "min_free: 1 MB",
}
_RELEASE = """version: 1
release: {name}
title: a little release
service:
  name: little-{name}
  backend: embedded
  command: [/bin/sh, "{program}", serve, {name}, "{{root}}", "{ledger}"]
build:
  files: ["{program}"]
decimals: {decimals}
programs:
  kpi: [/bin/sh, "{program}", kpi]
  test: ["/bin/true"]
  verify: ["/bin/true"]
pipeline:
  output: data/metrics
"""
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Ground:
    """The places of one lane: the deployment, its releases' ledger, and what cases begin from."""

    base: Path

    @property
    def root(self) -> Path:
        """The deployment: always at the same path, for its configuration names it."""
        return self.base / "site"

    @property
    def ledger(self) -> Path:
        """What the releases wrote down about themselves."""
        return self.base / "ledger"

    @property
    def deployment(self) -> Deployment:
        """Its configuration, which no case changes; a worker reads it anew."""
        return _loaded(self.root)

    # --- laying ---

    def make(self) -> None:
        """The configuration, a tape, and an empty ledger; nothing runs."""
        self.ledger.mkdir(parents=True)
        write_config(self.root, demo=True)
        console = self.root / "config/console.yml"
        text = console.read_text()
        for old, new in _FIGURES.items():
            assert text.count(old) == 1, f"console.yml has no single {old!r}"
            text = text.replace(old, new)
        console.write_text(text)
        for name, decimals in (("v1", 1), ("v2", 2)):
            release = _RELEASE.format(name=name, decimals=decimals, program=RELEASE_PROGRAM, ledger=self.ledger)
            (self.root / f"config/releases/{name}.yml").write_text(release)
        shutil.copyfile(self.root / "config/releases/v1.yml", self.root / "config/pipeline.yml")
        for directory in ("data/raw", "data/reference", "data/metrics"):
            (self.root / directory).mkdir(parents=True)
        for tape in ("data/raw/loan_tape.csv", "data/reference/loan_tape.csv"):
            (self.root / tape).write_text("loan_id,total_receivable_usd\n1,100\n2,200\n")
        digest = hashlib.sha256((self.root / "data/raw/loan_tape.csv").read_bytes()).hexdigest()
        (self.root / "data/tape.sha256").write_text(digest + "\n")

    def keep(self, name: str) -> None:
        """Keep the deployment as it stands (nothing runs) as what cases begin from."""
        shutil.copytree(self.base / "site", self.base / name / "site", symlinks=True)
        shutil.copytree(self.ledger, self.base / name / "ledger")

    def lay(self, name: str) -> None:
        """Put a kept one in place."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.base / name / "site", self.root, symlinks=True)
        self.lay_ledger(name)

    def lay_ledger(self, name: str) -> None:
        """Its ledger alone."""
        shutil.rmtree(self.ledger, ignore_errors=True)
        shutil.copytree(self.base / name / "ledger", self.ledger)

    # --- processes ---

    def start(self, release: str) -> None:
        """Its service, and its first run."""
        before = len(self.published())
        open_service(self.deployment, release).start()
        until = time.monotonic() + 20
        while len(self.published()) == before:
            assert time.monotonic() < until, f"{release} did not publish"
            time.sleep(0.002)

    def stop(self, release: str) -> None:
        """Its service."""
        assert open_service(self.deployment, release).stop().stopped

    # --- looking, without the engine ---

    def published(self) -> list[tuple[str, str, str]]:
        """What the ledger says: release, sha256, name."""
        try:
            lines = (self.ledger / "published").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [(found[0], found[1], found[2]) for found in map(str.split, lines) if len(found) == 3]

    def violations(self) -> list[str]:
        """When two releases ran at the same time."""
        try:
            return (self.ledger / "violations").read_text().splitlines()
        except FileNotFoundError:
            return []

    def started_again(self) -> bool:
        """Whether a release's main process is there: it leads its session, a subshell that is left over does not."""
        return any(
            "serve" in _words(pid) and str(self.ledger) in _words(pid) and _leads(pid)
            for pid in _descendants(os.getpid())
        )

    def services(self) -> list[str]:
        """What each supervisor wrote last, for whoever has to understand a failure."""
        return [path.read_text() for path in sorted((self.root / ".rollback/services").glob("*/state.json"))]

    def running(self) -> list[str]:
        """The releases that run, by their processes."""
        found = set()
        for pid in _descendants(os.getpid()):
            words = _words(pid)
            if str(self.ledger) in words and "serve" in words:
                found.add(words[words.index("serve") + 1])
        return sorted(found)

    def kill_one(self, which: str) -> None:
        """SIGKILL a release's main process, or what supervises one, by somebody who should not."""
        releases = [
            pid for pid in _descendants(os.getpid()) if str(self.ledger) in _words(pid) and "serve" in _words(pid)
        ]
        mains = [pid for pid in releases if _parent(pid) not in releases]
        # with the service its subshells: for an instant they would look as if it still ran
        for pid in releases if which == "service" else [_parent(pid) for pid in mains if _parent(pid) != os.getpid()]:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself this instant
                os.kill(pid, signal.SIGKILL)
            while any(_words(pid)):  # a killed process is there for an instant more
                time.sleep(0.001)

    def end_everything(self) -> None:
        """SIGKILL whatever a case has left."""
        while pids := _descendants(os.getpid()):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            reap()
            time.sleep(0.001)


@functools.cache
def _loaded(root: Path) -> Deployment:
    return load_deployment(root)


def adopt_everything() -> None:
    """Whatever is left by those who started it becomes a child of this process, and can be found and ended."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    stand_in.install()


def reap() -> None:
    """Collect what has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    queue = [pid]
    while queue:
        for child in _children(queue.pop()):
            found.append(child)
            queue.append(child)
    return found


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in re.findall(r"\d+", text)]


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return os.getpid()


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []
