"""What a monitor writes down at each tick, so that the next one goes on as if it were the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from engine.monitoring.continuity import Known, Loss
from engine.monitoring.facts import Facts
from engine.monitoring.finite import require_finite
from engine.monitoring.kpi_watch import KpiMemory
from engine.monitoring.kpis import Published
from engine.monitoring.log import Row
from engine.monitoring.model import Baseline
from engine.monitoring.tree import Usage
from engine.monitoring.undecodable import undecodable
from engine.monitoring.untold import Untold
from engine.monitoring.watched import Watched, after_reboot
from engine.records.undecodable import UNDECODABLE

T = TypeVar("T")
WATCH, TRAIL, OUTPUT, BOOK, STANDING, DELIVERIES = "watch", "trail", "output", "book", "standing", "deliveries"
"""Names of the parts: each tick, when the trail moved, when a run published or an alert did, each tick of a watch,
while deliveries wait to be recorded."""


class Watch(msgspec.Struct, frozen=True):
    """The conditions and the schedule."""

    boot_id: str = ""
    boot: float = 0.0
    wall: datetime | None = None
    release: str = ""
    settled_at: float = 0.0
    """Boot time from which missing values count as NODATA."""
    grace_until: float = 0.0
    conditions: dict[str, Watched] = {}
    logged: str = ""
    """The verdict of the last row in the monitoring log."""
    slot_at: datetime | None = None
    """The last checklist slot that has its row."""
    counted_from: datetime | None = None
    """The cutover whose validation slots are counted."""
    begun: int = 0
    """The last of them that was begun or is recorded as missed."""
    rerun: int = 0
    critical_at: datetime | None = None
    """When a critical or roll-back tier last fired."""
    audit_lost: bool = False
    last_fed: dict[str, str] = {}
    first_process: str = ""
    """The first process that was ever watched here: while it is the only one, nothing was restarted."""
    basis: str = ""
    """Process and tape of the tick before."""
    begun_at: datetime | None = None
    """The last slot of a scheduled validation that was begun or is recorded as missed."""
    rerun_at: datetime | None = None
    """The slot whose validation was run once more."""
    unknown_since: float | None = None
    """Boot time since which the verdict is UNKNOWN and has no row yet."""
    cpu_before: tuple[str, float, Usage] | None = None
    """CPU is a difference: the reading before, so that a new monitor knows it at once."""
    ran: tuple[str, float] = ("", 0.0)
    """The process that has recorded a run, and since when that is known (boot time)."""
    tests_at: datetime | None = None
    """When the gate is due for which the release's tests were begun."""
    unwritten: tuple[Row, ...] = ()
    """Rows that are due in the monitoring log: written after this was, and kept until the file takes them."""
    log_size: int = 0
    """Bytes of the monitoring log before the first of them."""
    to_audit: tuple[str, ...] = ()
    """Runs whose events are looked for at the next tick."""
    compared: str = ""
    """The last run whose KPIs were compared with the old release's."""
    untold: tuple[Untold, ...] = ()
    """Events that are due in the audit trail: told after this was written."""
    trail_known: Known = Known()
    """The newest record of the audit trail that was read."""
    trail_loss: Loss | None = None
    """What became of the trail, where it is not the one any more that was read."""


class Trail(msgspec.Struct, frozen=True):
    """How far the audit trail was read, and what it said."""

    offset: int = 0
    facts: Facts = Facts()


class Output(msgspec.Struct, frozen=True):
    """What the releases published last, and the baseline."""

    published: dict[str, Published] = {}
    baseline: Baseline | None = None
    kpis: KpiMemory = KpiMemory()


class Deliveries(msgspec.Struct, frozen=True):
    """What channels did and the audit trail has not taken yet."""

    unwritten: tuple[dict[str, Any], ...] = ()


NO_DELIVERIES = Deliveries()


def of_this_boot(watch: Watch, boot_id: str) -> Watch:
    """What the monitor before remembered; of another boot only what does not depend on its clock."""
    if not watch.boot_id or watch.boot_id == boot_id:
        return watch
    conditions = {name: after_reboot(one) for name, one in watch.conditions.items()}
    return msgspec.structs.replace(
        watch,
        conditions=conditions,
        boot=0.0,
        grace_until=0.0,
        settled_at=0.0,
        cpu_before=None,
        ran=("", 0.0),
        unknown_since=None,
    )


def encode(part: object, name: str) -> bytes:
    """As JSON. NotFinite: the next monitor could not read it."""
    require_finite(part, name)
    return msgspec.json.encode(part)


def decode(data: bytes | None, kind: type[T]) -> T:
    """The part as written; a fresh one when there is none. Undecodable: what cannot be read is not nothing."""
    if data is None:
        return kind()
    try:
        return msgspec.json.decode(data, type=kind)
    except UNDECODABLE as error:
        raise undecodable(f"the monitor's checkpoint {kind.__name__.lower()}", error) from error
