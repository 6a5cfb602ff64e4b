"""Real accounts in a mount namespace of their own: ``useradd`` writes to a copy of ``/etc`` that only it can see.

Processes, ports and the rest of the file system are this machine's. What of Python and of this checkout lies in a
directory that others cannot enter is shown to them at its own path.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GROUP = "abaco-ops"
TOOLS = ("unshare", "nsenter", "setpriv", "useradd", "groupadd", "setfacl", "mount")


def missing() -> str:
    """Why no such accounts can be made here; empty when they can."""
    if os.geteuid() != 0:
        return "only root can make accounts"
    lacking = [name for name in TOOLS if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if lacking:
        return f"needs {', '.join(lacking)}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else f"namespaces cannot be made here: {tried.stderr.decode().strip()}"


class People:
    """The service's account, two operators and an observer, and a place whose files they all can reach."""

    SERVICE, ALICE, BOB, OLGA = "abaco", "alice", "bob", "olga"

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="abaco-people-"))
        self.place.chmod(0o755)
        (self.place / "hold.sh").write_text(_HOLD)
        shown = [str(path) for path in dict.fromkeys((REPOSITORY, Path(sys.prefix), Path(sys.base_prefix)))]
        closed = sorted({str(above) for path in shown for above in Path(path).parents if not above.stat().st_mode & 1})
        (self.place / "closed").write_text("".join(f"{path}\n" for path in closed))
        hold = ["sh", str(self.place / "hold.sh"), str(self.place), *shown]
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", *hold], stdin=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while not (self.place / "ready").exists():
            assert self._holder.poll() is None, "the namespace could not be made"
            assert time.monotonic() < until
            time.sleep(0.01)
        self.root("groupadd", GROUP)
        for name in (self.SERVICE, self.ALICE, self.BOB):
            self.root("useradd", "--no-create-home", "--no-user-group", "-g", GROUP, "-d", "/nonexistent", name)
        self.root("groupadd", "watchers")
        self.root("useradd", "--no-create-home", "--no-user-group", "-g", "watchers", "-d", "/nonexistent", self.OLGA)

    def inside(self, user: str, umask: str, words: Sequence[str]) -> list[str]:
        """A command as this account (with all of its groups) and this umask."""
        enter = ["nsenter", "-t", str(self._holder.pid), "-m", "--"]
        if user != "root":
            enter += ["setpriv", f"--reuid={user}", f"--regid={self._group(user)}", "--init-groups", "--"]
        path = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        variables = [f"PATH={path}", f"PYTHONPATH={REPOSITORY}", "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"]
        return [*enter, "env", "-i", *variables, f"USER={user}", "sh", "-c", f'umask {umask}; exec "$@"', "sh", *words]

    def run(self, user: str, *words: str, umask: str = "022", timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """It, to its end."""
        return subprocess.run(
            self.inside(user, umask, words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd="/",
        )

    def root(self, *words: str) -> str:
        """As root, and it has to succeed; what it printed."""
        ended = self.run("root", *words)
        assert ended.returncode == 0, f"{' '.join(words)}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def _group(self, user: str) -> str:
        return {self.OLGA: "watchers", "nobody": "nogroup"}.get(user, GROUP)

    def close(self) -> None:
        """The namespace goes with its holder."""
        self._holder.send_signal(signal.SIGKILL)
        self._holder.wait()
        shutil.rmtree(self.place, ignore_errors=True)


_HOLD = """set -eu
place=$1
shift
mkdir "$place/own"
mount -t tmpfs -o mode=755 own "$place/own"
cp -a /etc "$place/own/etc"
mount --bind "$place/own/etc" /etc
number=0
for path in "$@"; do
    number=$((number + 1))
    mkdir "$place/own/$number"
    mount --bind "$path" "$place/own/$number"
done
while read -r path; do # others cannot enter it: an empty one stands there, and in it what they need
    [ ! -d "$path" ] || mount -t tmpfs -o mode=755 closed "$path"
done <"$place/closed"
number=0
for path in "$@"; do
    number=$((number + 1))
    mkdir -p "$path"
    mountpoint -q "$path" || mount --bind "$place/own/$number" "$path"
done
: >"$place/ready"
exec sleep infinity
"""
