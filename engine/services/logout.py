"""Whether what is begun here outlives the log-out of whoever begins it: systemd-logind may end all of a login.

A session of one's own (setsid) is none for logind: it goes by the control group. With ``KillUserProcesses=yes`` the
session's group is killed when its connection is gone; what a user's own manager runs ends with that user's last login,
unless the user lingers. A unit of the system is in neither.
"""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import msgspec

from engine.config import Deployment

_SESSION = re.compile(r"/session-[^/]+\.scope")
_OWN_MANAGER = re.compile(r"/user@[0-9]+\.service")
_PLACES = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
_YES = ("1", "yes", "y", "true", "t", "on")


class Ended(msgspec.Struct, frozen=True):
    """What ends, and what to do about it."""

    what: str
    fix: str


def ended_at_logout(deployment: Deployment, root: Path = Path("/")) -> Ended | None:
    """None where an operation that is begun here outlives the login: a unit carries it out, or nothing ends it.

    ``root``: where the machine's own files are.
    """
    services = deployment.console.services
    if services.operation_unit is not None or not (why := _ended_by(root)):
        return None
    what = "operations" if services.backend == "systemd" else "operations, and the services and the monitor begun here,"
    return Ended(
        f"{what} end when you log out or the line drops: {why}",
        "services.operation_unit in console.yml, see packaging/systemd/: units outlive every login",
    )


def _ended_by(root: Path) -> str:
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if _OWN_MANAGER.search(groups):
        return "" if _lingers(root) else f"{_account()} does not linger (loginctl enable-linger)"
    if _SESSION.search(groups) and _kills(_logind(root), _account()):
        return "KillUserProcesses=yes in logind.conf, and this is a login"
    return ""


def _kills(settings: dict[str, str], account: str) -> bool:
    """Whether logind kills what this account leaves behind."""
    if settings.get("KillUserProcesses", "no").lower() not in _YES:
        return False
    only = settings.get("KillOnlyUsers", "").split()
    return account in only if only else account not in settings.get("KillExcludeUsers", "root").split()


def _logind(root: Path) -> dict[str, str]:
    """The settings of ``logind.conf`` and its drop-ins: of two files of one name that in the earlier place counts."""
    found: dict[str, Path] = {}
    main: Path | None = None
    for place in reversed(_PLACES):
        directory = root / place / "systemd"
        if (directory / "logind.conf").is_file():
            main = directory / "logind.conf"
        found |= {path.name: path for path in (directory / "logind.conf.d").glob("*.conf")}
    settings: dict[str, str] = {}
    for path in [*([main] if main else []), *(found[name] for name in sorted(found))]:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            key, is_setting, value = line.strip().partition("=")
            if is_setting and not key.startswith(("#", ";")):
                settings[key.strip()] = value.strip()
    return settings


def _lingers(root: Path) -> bool:
    return (root / "var/lib/systemd/linger" / _account()).exists()


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
