"""A machine of its own with a real systemd as its first process, in namespaces; whoever looks from outside is root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BOOT = Path(__file__).with_name("boot.sh")
INIT = Path("/lib/systemd/systemd")
NEEDED = ("unshare", "nsenter", "dbus-daemon", "systemctl", "journalctl", "systemd-sysusers", "setpriv", "pivot_root")
PATIENCE = 30.0


def missing() -> str:
    """Why no such machine can be made here; empty when it can be tried."""
    if os.geteuid() != 0:
        return "only root can boot a systemd in namespaces of its own"
    lacking = [name for name in NEEDED if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if not INIT.exists():
        lacking.append("systemd")
    if not Path("/usr/lib/polkit-1/polkitd").exists():
        lacking.append("polkitd")
    if lacking:
        return f"needs {', '.join(lacking)}"
    if _control_groups() is None:
        return "needs a control group hierarchy (cgroup2) that can be written to"
    tried = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount", "--cgroup", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else f"namespaces cannot be made here: {tried.stderr.decode().strip()}"


def _control_groups() -> Path | None:
    for mount in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (mount / "cgroup.procs").exists() and os.access(mount, os.W_OK) and (mount / "cgroup.controllers").exists():
            return mount
    return None


class Machine:
    """``install`` is what is laid over its root directory at each boot, ``shared`` stands at ``/srv`` in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.install = place / "install"
        self.shared = place / "shared"
        self._pid = 0
        self._starter: subprocess.Popen[bytes] | None = None
        self._group: Path | None = None
        for directory in (self.install, self.shared):
            directory.mkdir(parents=True, exist_ok=True)
        self.shared.chmod(0o755)
        seen = {str(path) for path in (REPOSITORY, Path(sys.prefix), Path(sys.base_prefix)) if path.is_dir()}
        (place / "binds").write_text("".join(f"{path}\n" for path in sorted(seen)))

    # --- what is installed in it ---

    def write(self, path: str, text: str) -> None:
        """A file of the machine; takes effect at its next boot."""
        target = self.install / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def enable(self, unit: str, template: str = "") -> None:
        """What ``systemctl enable`` does, for the next boot."""
        wants = self.install / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).unlink(missing_ok=True)
        (wants / unit).symlink_to(f"/etc/systemd/system/{template or unit}")

    # --- up and down ---

    @property
    def pid(self) -> int:
        """Its first process, as seen from outside."""
        return self._pid

    def up(self) -> None:
        """Boot it, and wait until it stands."""
        mount = _control_groups()
        assert mount is not None
        self._group = mount / f"abaco-ops-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._group.mkdir()
        (self.place / "boot_id").write_text(f"{uuid.uuid4()}\n")
        words = [
            "unshare",
            "--pid",
            "--fork",
            "--mount",
            "--cgroup",
            "--uts",
            "--ipc",
            "--net",
            str(BOOT),
            str(self.place),
        ]
        enter = f'echo $$ >"{self._group}/cgroup.procs" && exec "$@"'
        with (self.place / "console.log").open("ab") as console:
            self._starter = subprocess.Popen(
                ["sh", "-c", enter, "sh", *words],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                process_group=0,
            )
        until = time.monotonic() + PATIENCE
        while not self._stands():
            if time.monotonic() > until or self._starter.poll() is not None:
                told = (self.place / "console.log").read_text(errors="replace")[-3000:]
                self.down()
                raise AssertionError(f"the machine does not come up:\n{told}")
            time.sleep(0.02)

    def _stands(self) -> bool:
        assert self._starter is not None
        if not self._pid:
            try:
                children = Path(f"/proc/{self._starter.pid}/task/{self._starter.pid}/children").read_text().split()
                first = int(children[0]) if children else 0
                if not first or Path(f"/proc/{first}/comm").read_text().strip() != "systemd":
                    return False
            except (OSError, ValueError):
                return False
            self._pid = first
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def down(self) -> None:
        """As when the power goes: every process of it is gone at once. What is in ``shared`` stays."""
        for pid in (self._pid, self._starter.pid if self._starter else 0):
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self._starter is not None:
            self._starter.wait(10)
        self._pid, self._starter = 0, None
        if self._group is not None:
            self._remove_groups(self._group)
            self._group = None

    def _remove_groups(self, top: Path) -> None:
        until = time.monotonic() + 5
        while top.exists() and time.monotonic() < until:
            for directory, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)  # noqa: PTH106 - a walk gives names

    # --- inside ---

    def enter(self, user: str = "") -> list[str]:
        """The words that go before a command, so that it runs inside, as ``user``."""
        words = ["nsenter", "-t", str(self._pid), "-a", "--"]
        if user:
            words += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        path = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        environment = [
            f"PATH={path}",
            f"PYTHONPATH={REPOSITORY}",
            "PYTHONDONTWRITEBYTECODE=1",
            "LANG=C.UTF-8",
            "HOME=/tmp",
        ]
        return [*words, "env", "-i", f"USER={user or 'root'}", f"LOGNAME={user or 'root'}", *environment]

    def run(self, *words: str, user: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """A command inside, to its end."""
        return self.done([*self.enter(user), *words], timeout)

    def must(self, *words: str, user: str = "", timeout: float = 60) -> str:
        """The same for one that has to succeed; what it printed."""
        ended = self.run(*words, user=user, timeout=timeout)
        assert ended.returncode == 0, f"{' '.join(words)}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    @staticmethod
    def done(words: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False, cwd="/"
        )
