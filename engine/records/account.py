"""Who acts: the account that the kernel knows, never a name that an environment variable claims."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LOGIN_UID = Path("/proc/self/loginuid")
_UNSET = 2**32 - 1
_SUDO, _AS = "sudo", "as "
_LOCKED = ("nologin", "false")


def whoami() -> str:
    """The author of what this process does: ``kim@ops1``, ``kim (sudo)@ops1``, ``kim (as abaco)@ops1``."""
    return f"{account(os.getuid(), _logged_in(), os.environ)}@{socket.gethostname()}"


def account(uid: int, login: int | None, environment: Mapping[str, str]) -> str:
    """The account of a process with this real user id, and before it who logged in, where that is somebody else.

    ``login`` is what the kernel kept since the login. Where it kept nothing, root alone is believed when it says by
    ``SUDO_UID`` who became root: a hint, since root can say anything.
    """
    own = _name(uid) or str(uid)
    person = _name(login) if login is not None else None
    if login is None and uid == 0:
        hint = environment.get("SUDO_UID", "")
        person = _name(int(hint)) if re.fullmatch(r"[0-9]{1,10}", hint) else None
    if person is None or person == own:
        return own
    return f"{person} ({_SUDO})" if uid == 0 else f"{person} ({_AS}{own})"


def accounts_of(actor: str) -> tuple[str, ...]:
    """Every account that an author of :func:`whoami` stands for: of ``kim (sudo)@ops1`` kim and root."""
    person, _, rest = actor.partition("@")[0].partition(" (")
    used = rest.rstrip(") ")
    return (person, _name(0) or "root") if used == _SUDO else (person, used.removeprefix(_AS)) if used else (person,)


def account_named(name: str) -> str | None:
    """The account that a person's name belongs to, by its login or full name; None: none that one can log in to."""
    wanted = plain_name(name)
    for entry in pwd.getpwall():
        if entry.pw_shell.rpartition("/")[2] in _LOCKED:
            continue
        if wanted and wanted in (plain_name(entry.pw_name), plain_name(entry.pw_gecos.partition(",")[0])):
            return entry.pw_name
    return None


def plain_name(name: str) -> str:
    """A name without what makes no other person: ``A.Moreno`` and ``a. moreno@ops1`` are one."""
    return "".join(name.partition("@")[0].replace(".", " ").replace("_", " ").casefold().split())


def _logged_in() -> int | None:
    try:
        found = int(LOGIN_UID.read_text())
    except (OSError, ValueError):
        return None
    return None if found == _UNSET else found


@cache
def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return None
