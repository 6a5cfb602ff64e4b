"""An sshd with PAM on such a machine: whoever comes in over it has a login that systemd-logind knows, and ends."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from a_systemd import Machine

LIBRARIES = ("/usr/lib/security", "/usr/lib/x86_64-linux-gnu/security", "/usr/lib/aarch64-linux-gnu/security")
_PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_systemd.so\n"
_CONFIG = """ListenAddress 127.0.0.1
HostKey /etc/test-ssh/host
AuthorizedKeysFile /etc/test-ssh/id.pub
StrictModes no
UsePAM yes
PasswordAuthentication no
PidFile none
"""
_UNIT = """[Service]
ExecStartPre=/bin/mkdir -p /run/sshd
ExecStartPre=/usr/sbin/ip link set lo up
ExecStart=/usr/sbin/sshd -D -e -f /etc/test-ssh/config
"""


def lacking() -> str:
    """What is not installed here that this needs; empty when nothing."""
    if shutil.which("sshd", path="/usr/sbin:/sbin") is None or shutil.which("ssh") is None:
        return "openssh-server and openssh-client are not installed"
    if not any((Path(place) / "pam_systemd.so").exists() for place in LIBRARIES):
        return "libpam-systemd is not installed"
    return "" if shutil.which("ip", path="/usr/sbin:/sbin:/bin") else "iproute2 is not installed"


def install_sshd(machine: Machine, logind: str) -> None:
    """Before the machine boots: keys, the daemon's unit, and what logind is told."""
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(machine.place / name)], check=True)
    machine.write("/etc/test-ssh/host", (machine.place / "host").read_text())
    (machine.install / "etc/test-ssh/host").chmod(0o600)
    machine.write("/etc/test-ssh/id.pub", (machine.place / "id.pub").read_text())
    machine.write("/etc/test-ssh/config", _CONFIG)
    machine.write("/etc/pam.d/sshd", _PAM)
    machine.write("/etc/systemd/system/test-sshd.service", _UNIT)
    machine.write("/etc/systemd/logind.conf.d/test.conf", f"[Login]\n{logind}\n")
    machine.enable("test-sshd.service")


class Line:
    """One connection with a command in it."""

    def __init__(self, machine: Machine, user: str, command: str) -> None:
        self._machine = machine
        self._client = subprocess.Popen(
            _client(machine, user, command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def battery_empty(self) -> None:
        """The client dies, and its kernel closes the connection."""
        self._client.kill()
        self._client.wait()

    def server_end_dies(self) -> None:
        """SIGKILL to the daemon's process of this connection."""
        for pid in self._machine.run("pgrep", "-f", "^sshd: .*@pts").stdout.split():
            self._machine.run("kill", "-9", pid)
        self._client.wait(20)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.battery_empty()


def said(machine: Machine, user: str, command: str, timeout: float = 60) -> str:
    """What a command over SSH prints."""
    words = _client(machine, user, command)
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    ).stdout


def _client(machine: Machine, user: str, command: str) -> Sequence[str]:
    words = ["nsenter", "-t", str(machine.pid), "-n", "ssh", "-F", "none", "-tt", "-i", str(machine.place / "id")]
    for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"):
        words += ["-o", option]
    return [*words, f"{user}@127.0.0.1", command]
