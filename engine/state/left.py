"""Coming back: when a person was last seen at a console here, and what happened since, in plain words."""

from __future__ import annotations

import os
import re
import stat
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from engine.clock import Clock, parse_iso
from engine.config import Deployment
from engine.config.looking import must_write
from engine.records import Record, accounts_of, records_from_end, write_file
from engine.records.atomic import make_for_group
from engine.records.undecodable import UNDECODABLE
from engine.state.hand_over import NOTHING, Since, happened, told_of
from engine.state.position import trail_position

_LARGEST = 4096
_MOST = 200_000
"""Records that are looked back over at most: a month away is told from the newest of them."""


class Left(msgspec.Struct, frozen=True):
    """When a person was last seen at a console, and the last record of the audit trail by then."""

    at: datetime
    hash: str


def remember(deployment: Deployment, *, actor: str, clock: Clock) -> None:
    """Note that this person is at a console now. Refused where only looking is allowed; OSError."""
    must_write(deployment, "when a console was left")
    position = trail_position(deployment.paths.events)
    place = deployment.paths.left
    make_for_group(place)
    left = Left(clock.now().wall, position.hash)
    write_file(_file(deployment, actor), msgspec.json.encode(left), 0o600)


def since_left(deployment: Deployment, *, actor: str, clock: Clock) -> list[str]:
    """What happened since this person was last seen, the newest first; empty when nothing did, or nobody knows."""
    left = _read(_file(deployment, actor))
    if left is None:
        return []
    events = _after(deployment.paths.events, left)
    since = Since(left.at, "your last key in a console")
    lines = happened(deployment, events, since, clock.now().wall)
    return [] if any(line.strip() == NOTHING for line in lines) else lines


def _after(path: Path, left: Left) -> list[Record]:
    """What the trail tells of since then, oldest first."""
    found: list[Record] = []
    for record in islice(records_from_end(path), _MOST):
        if record is None:
            continue  # a damaged line hides nothing around it
        if record.get("hash") == left.hash or _older(record, left.at):
            break
        if told_of(record):
            found.append(record)
    found.reverse()
    return found


def _older(record: Record, at: datetime) -> bool:
    try:
        return parse_iso(str(record["at"])) <= at
    except (KeyError, ValueError):
        return False


def _file(deployment: Deployment, actor: str) -> Path:
    """One for each person, also behind a shared account: the number of the account, and who logged in."""
    person = re.sub(r"[^a-z0-9-]+", "-", accounts_of(actor)[0].lower()).strip("-")[:40]
    return deployment.paths.left / f"{os.getuid()}-{person or 'somebody'}.json"


def _read(path: Path) -> Left | None:
    """What it says; None for what is not there, is not this account's own, or says nothing."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_size > _LARGEST:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Left)
    except (OSError, *UNDECODABLE):
        return None
