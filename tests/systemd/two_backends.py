"""One deployment, run by small daemons of its own or by a systemd; operated and looked at in the same way."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from a_systemd import REPOSITORY, Machine
from in_this_process import here

from engine.config.templates import write_config

PACKAGING = REPOSITORY / "packaging" / "systemd"
UNITS = ("abaco-v1.service", "abaco-v2.service", "abaco-ops-operation@.service", "abaco-ops-monitor.service")
OWNER, OPERATOR = "abaco-ops", "olive"
STRAY = Path(__file__).with_name("stray_behind.py")
PATIENCE = 60.0


def await_that(what: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    until = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return answer


class Place:
    """The deployment at ``root``, as seen from outside; ``abaco`` works on it from inside."""

    backend = "embedded"

    def __init__(self, root: Path) -> None:
        self.root = root
        self._good: dict[Path, str] = {}

    def make(self) -> None:
        write_config(self.root, demo=True)
        self.edit("console.yml", "verify_hold: 1s", "verify_hold: 300ms")
        self.edit("console.yml", "stop_deadline: 3s", "stop_deadline: 1s")
        self.program("v2", "test", ["{python}", "-c", "pass"])
        self._prepare()
        self._good = {path: path.read_text() for path in (self.root / "config/releases").glob("*.yml")}
        made = self.abaco("demo", str(self.inside), "--no-console")
        assert made.returncode == 0, made.stdout + made.stderr

    def _prepare(self) -> None:
        """What the backend needs before anything starts."""

    def end(self) -> None:
        ended = self.abaco("demo", str(self.inside), "--stop")
        assert ended.returncode == 0, ended.stdout + ended.stderr

    @property
    def inside(self) -> Path:
        """The deployment's directory, as whoever works on it knows it."""
        return self.root

    # --- configuration ---

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / "config" / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def program(self, release: str, key: str, command: list[str]) -> None:
        """Replace one program of a release; :meth:`as_it_was` puts it back."""
        path = self.root / f"config/releases/{release}.yml"
        text = path.read_text()
        text, count = re.subn(rf"(?m)^(  {key}: ).*$", lambda found: found[1] + json.dumps(command), text)
        assert count == 1
        path.write_text(text)

    def with_a_stray(self, release: str) -> None:
        """The release's service as it should be, and a grandchild in a session of its own that is deaf to SIGTERM."""
        path = self.root / f"config/releases/{release}.yml"
        (line,) = [line for line in self._good[path].splitlines() if line.startswith("  command: ")]
        self.program(
            release, "command", ["{python}", str(STRAY), self._stray, *json.loads(line.removeprefix("  command: "))]
        )

    def as_it_was(self) -> None:
        """The releases' files as :meth:`make` left them."""
        for path, text in self._good.items():
            if path.read_text() != text:
                path.write_text(text)

    # --- working ---

    def abaco(self, *words: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "tui.main", *words]
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment,
        )

    def shell(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A script of the deployment, run by its owner."""
        command = ["sh", str(self.inside / script), *words]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False, cwd="/"
        )

    def on(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.abaco("--root", str(self.inside), *words)

    def look(self, *words: str) -> Any:
        """What a command that only looks tells as JSON."""
        return json.loads(here("--root", str(self.inside), *words, "--json").stdout)

    def operate(self, kind: str, *words: str) -> dict[str, Any]:
        """A cutover or rollback to its end, as its ``--json`` tells it."""
        ended = self.on(kind, "--yes", "--reason", "test", "--json", *words)
        assert ended.stdout, ended.stderr
        told: dict[str, Any] = json.loads(ended.stdout)
        return {**told, "exit": ended.returncode, "accepted": ended.stderr.splitlines()[0]}

    def service(self, action: str, release: str) -> dict[str, Any]:
        ended = self.on("service", action, release, "--json")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)  # type: ignore[no-any-return]

    def signal(self, pid: int, number: signal.Signals) -> None:
        os.kill(pid, number)

    def kill_worker_at(self, kind: str, step: str) -> str:
        """Begin an operation and SIGKILL its worker when ``step`` is journaled; its id."""
        begun = self.on(kind, "--yes", "--reason", "test", "--detach", "--json")
        assert begun.returncode == 0, begun.stderr
        name = json.loads(begun.stdout)["operation"]
        journal = self.root / ".rollback/operations" / name / "journal.jsonl"
        wanted = (b'"kind":"intent"', f'"step":"{step}"'.encode())
        lines = await_that(
            lambda: (
                any(all(part in line for part in wanted) for line in journal.read_bytes().splitlines())
                and journal.read_bytes().splitlines()
            )
        )
        workers = [json.loads(line) for line in lines if b'"kind":"worker"' in line]
        self.signal(workers[-1]["pid"], signal.SIGKILL)
        await_that(lambda: self.history(name)["state"] in ("INTERRUPTED", "SUCCEEDED"))
        return str(name)

    @property
    def _stray(self) -> str:
        return f"deaf-stray-of-{self.root}"

    def stray_runs(self) -> bool:
        """Whether the grandchild of :meth:`with_a_stray` is there."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if path.read_bytes().startswith(os.fsencode(self._stray)):
                    return True
            except OSError:
                continue
        return False

    def history(self, name: str) -> dict[str, Any]:
        return self.look("history", name)  # type: ignore[no-any-return]

    # --- looking ---

    def states(self) -> dict[str, str]:
        """Each release's service, as the state says it."""
        told = self.look("status")
        return {release["name"]: release["service_state"] for release in told["releases"]}

    def configured(self) -> str:
        found = re.search(r"(?m)^release: (\w+)", (self.root / "config/pipeline.yml").read_text())
        assert found
        return found[1]

    def metrics(self) -> dict[str, str]:
        found = {}
        for path in sorted((self.root / "data/metrics").rglob("*")):
            try:
                if path.is_file() and not path.name.endswith(".tmp"):
                    found[str(path.relative_to(self.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
            except FileNotFoundError:
                continue
        return found

    def assert_on(self, release: str) -> None:
        other = "v2" if release == "v1" else "v1"
        states = self.states()
        assert states[release] == "RUNNING", states
        assert states[other] in ("STOPPED", "FAILED"), states
        assert self.configured() == release

    def assert_back(self, metrics: dict[str, str]) -> None:
        """The old release is live with every metric that it had, and with none of the new one's."""
        self.assert_on("v1")
        now = self.metrics()
        assert {name: now.get(name) for name in metrics} == metrics
        assert not [name for name in now if "_v2_" in name]


class UnderSystemd(Place):
    """The same as units of a systemd, with the shipped unit files, their user, and an operator without root."""

    backend = "systemd"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.shared / "abaco")
        self.machine = machine
        self.user = OPERATOR

    @property
    def inside(self) -> Path:
        return Path("/srv/abaco")

    def install(self) -> None:
        """What a package puts into place; takes effect when the machine boots."""
        for unit in UNITS:
            self.machine.write(f"/etc/systemd/system/{unit}", (PACKAGING / unit).read_text())
            # the Python of this test run may lie in a home directory or below /tmp, and the id of each boot is laid
            # over the file below /proc/sys that says it: only that is left open
            opened = "[Service]\nProtectHome=no\nPrivateTmp=no\nProtectKernelTunables=no\nProtectControlGroups=no\n"
            self.machine.write(f"/etc/systemd/system/{unit}.d/test.conf", opened)
        soon = "[Service]\nWatchdogSec=5s\nTimeoutAbortSec=200ms\nRestartSec=50ms\n"
        self.machine.write("/etc/systemd/system/abaco-ops-monitor.service.d/soon.conf", soon)
        for unit in ("abaco-v1.service", "abaco-v2.service", "abaco-ops-monitor.service"):
            self.machine.enable(unit)
        self.machine.write("/etc/polkit-1/rules.d/50-abaco-ops.rules", (PACKAGING / "50-abaco-ops.rules").read_text())
        self.machine.write("/etc/sysusers.d/abaco-ops.conf", (PACKAGING / "abaco-ops.sysusers.conf").read_text())
        people = f"u {OPERATOR} - -\nm {OPERATOR} {OWNER}\nm {OPERATOR} systemd-journal\nu stranger - -\n"
        self.machine.write("/etc/sysusers.d/people.conf", people)
        command = f'exec {sys.executable} -P -m tui.main "$@"'
        self.machine.write("/usr/bin/abaco-ops", f"#!/bin/sh\nexport PYTHONPATH={REPOSITORY}\n{command}\n")
        (self.machine.install / "usr/bin/abaco-ops").chmod(0o755)

    def _prepare(self) -> None:
        self.edit("console.yml", "backend: embedded ", "backend: systemd  ")
        self.edit("console.yml", "operation_unit: null ", "operation_unit: abaco-ops-operation@.service ")
        self.edit("console.yml", "monitor_unit: null ", "monitor_unit: abaco-ops-monitor.service ")
        for release in ("v1", "v2"):
            unit = f"# unit: abaco-{release}.service  "
            self.edit(f"releases/{release}.yml", unit, unit.removeprefix("# "))
        shutil.copyfile(self.root / "config/releases/v1.yml", self.root / "config/pipeline.yml")
        self.edit("console.yml", "group: null ", f"group: {OWNER} ")
        self.machine.must("chown", "-R", f"{OWNER}:{OWNER}", "/srv/abaco")
        self.machine.must("chmod", "-R", "o-rwx", "/srv/abaco")
        self.machine.must("abaco-ops", "init", "/srv/abaco", "--share", OWNER)

    def make(self) -> None:
        self.user = OWNER
        super().make()
        self.user = OPERATOR

    def end(self) -> None:
        self.machine.down()

    def abaco(self, *words: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        return self.machine.run("abaco-ops", *words, user=self.user, timeout=timeout)

    def look(self, *words: str) -> Any:
        return json.loads(self.on(*words, "--json").stdout)

    def shell(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.machine.run("sh", str(self.inside / script), *words, user=OWNER, timeout=90)

    def signal(self, pid: int, number: signal.Signals) -> None:
        self.machine.must("kill", f"-{number.value}", str(pid))

    def reboot(self) -> None:
        self.machine.down()
        self.machine.up()
