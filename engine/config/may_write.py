"""Whether this account may write in a deployment at all, or was only given the right to look."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config.paths import Paths

if TYPE_CHECKING:
    from engine.config.deployment import Deployment


def no_right_to_write(paths: Paths) -> str:
    """Why this account only looks; empty when it may write the audit trail, or ask for an operation.

    A right that its owner has lost, or a disk that has become read-only, makes nobody an onlooker: those are faults,
    and whoever runs into one is told so.
    """
    me = os.geteuid()
    if me == 0:
        return ""
    places = [_nearest(path) for path in (paths.events, paths.operations)]
    if any(_may_write(place, me) for place in places):
        return ""
    return f"{account_here()} has no right to write in {paths.root}"


def left_to_units(deployment: Deployment, place: Path) -> bool:
    """Whether units carry out the operations here, and this account itself may not write in ``place``."""
    of_units = deployment.console.services.operation_unit is not None
    return of_units and os.geteuid() != 0 and not _may_write(_nearest(place), os.geteuid())


def account_here() -> str:
    """The name of the account whose rights this process has."""
    return name_of(os.geteuid())


def return_by_hand(paths: Paths) -> str:
    """The command of the way back without Python, as this account has to give it; empty where no script is there."""
    script = paths.rollback / "RETURN.sh"
    if not script.is_file():
        return ""
    command = f"sh {script}"
    if os.geteuid() == 0 or _may_write(_nearest(paths.config), os.geteuid()):
        return command
    return f"sudo -u {name_of(paths.config.stat().st_uid)} {command}"


def as_root(what: str) -> str:
    """What only root can do, in the words for whoever is told."""
    return what if os.geteuid() == 0 else f"as root: {what}"


def name_of(account: int) -> str:
    """Its name, or its number where it has none."""
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return f"the account {account}"


def _may_write(place: Path, me: int) -> bool:
    try:
        if place.stat().st_uid == me or os.statvfs(place).f_flag & os.ST_RDONLY:
            return True
    except OSError:
        return False
    return os.access(place, os.W_OK, effective_ids=True)


def _nearest(path: Path) -> Path:
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path
