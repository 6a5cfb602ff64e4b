"""A unit's output, and its restarts, from the system's journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.config.may_write import account_here
from engine.errors import OpsError
from engine.records import harmless
from engine.records.undecodable import UNDECODABLE
from engine.services.systemd_calls import CALL_DEADLINE, journalctl

_RESTART_SCHEDULED = "5eb03494b6584870a536b337290809b3"
"""SD_MESSAGE_UNIT_RESTART_SCHEDULED: systemd's own record of each automatic restart."""
_FIELDS = "--output-fields=MESSAGE,__REALTIME_TIMESTAMP"


def last_lines(unit: str, count: int, deadline: float = CALL_DEADLINE) -> list[str]:
    """The last lines that the unit's processes printed, made harmless; none where the journal cannot be read."""
    return _last([f"_SYSTEMD_UNIT={unit}"], count, deadline)


def manager_lines(unit: str, count: int, deadline: float = CALL_DEADLINE) -> list[str]:
    """What systemd itself said last about the unit in this boot, made harmless; none where it cannot be read."""
    return _last(["-b", f"UNIT={unit}", "_PID=1"], count, deadline)


def _last(match: list[str], count: int, deadline: float) -> list[str]:
    if count <= 0:
        return []
    try:
        found = list(_entries(["-n", str(count), *match], deadline))
    except OpsError:
        return []
    return [harmless(line) for entry in found for line in _message(entry).splitlines()][-count:]


def lines_since(unit: str, since: int, deadline: float = CALL_DEADLINE) -> tuple[list[str], int]:
    """What it printed after ``since`` (microseconds since 1970), and the moment of the last line. OpsError."""
    place = ["--since", f"@{since // 1_000_000}.{since % 1_000_000:06d}"]
    lines: list[str] = []
    for entry in _entries([*place, "-n", "20000", f"_SYSTEMD_UNIT={unit}"], deadline):
        at = _micros(entry)
        if at > since:
            lines += _message(entry).splitlines()
            since = at
        elif at == since and lines:
            lines += _message(entry).splitlines()  # two in one microsecond
    return lines, since


def restart_moments(unit: str, count: int, deadline: float = CALL_DEADLINE) -> tuple[tuple[datetime, ...], str]:
    """When systemd started it again by itself, the last ``count`` times of this boot, newest last; and why these are
    fewer, with what helps: the journal holds no more of them, or cannot be read.
    """
    if count <= 0:
        return (), ""
    match = [f"MESSAGE_ID={_RESTART_SCHEDULED}", f"UNIT={unit}", "_PID=1"]
    try:
        found = [_micros(entry) for entry in _entries(["-b", "-n", str(count), *match], deadline)]
        why = unreadable(deadline) if len(found) < count else ""
    except OpsError as error:
        found, why = [], error.what
    moments = tuple(datetime.fromtimestamp(at / 1e6, UTC) for at in found)
    if len(moments) >= count:
        return moments, ""
    helps = f"; the account {account_here()} must be in the group systemd-journal" if why else ""
    said = f"systemd counts {count} restart{'' if count == 1 else 's'} of {unit}, the journal tells when of"
    return moments, f"{said} {len(moments) or 'none'}{f': {why}' if why else ''}{helps}"


def unreadable(deadline: float = CALL_DEADLINE) -> str:
    """Why this account cannot read the system's journal; empty when it can."""
    try:
        found = list(_entries(["-n", "1", "_PID=1"], deadline))
    except OpsError as error:
        return error.what
    return "" if found else "it shows nothing of systemd itself: this account sees only its own entries"


def _entries(words: list[str], deadline: float) -> Iterator[dict[str, Any]]:
    answer = journalctl("-o", "json", _FIELDS, *words, deadline=deadline)
    if answer.code != 0:
        raise OpsError(f"the journal cannot be read: {answer.said or f'exit code {answer.code}'}", _GROUP)
    for line in answer.out.splitlines():
        try:
            found = msgspec.json.decode(line)
        except UNDECODABLE:
            continue  # cut by its own size, or damaged: the next line is whole again
        if isinstance(found, dict):
            yield found


_GROUP = "the account must be in the group systemd-journal"


def _message(entry: dict[str, Any]) -> str:
    """Text; bytes where it is none; nothing where it is too large to be given."""
    said = entry.get("MESSAGE")
    if isinstance(said, list):
        return bytes(part for part in said if isinstance(part, int) and 0 <= part < 256).decode("utf-8", "replace")
    return said if isinstance(said, str) else ""


def _micros(entry: dict[str, Any]) -> int:
    word = str(entry.get("__REALTIME_TIMESTAMP", ""))
    return int(word) if word.isdigit() else 0
