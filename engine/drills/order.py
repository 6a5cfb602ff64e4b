"""The order of a drill: what a deployment's pipeline is to do wrong, of which release, and until when."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.clock import Instant, boot_id
from engine.records import make_directory, write_file
from engine.records.form import VERSION
from engine.records.undecodable import UNDECODABLE

NAME = "drill.json"
OVERDUE_AFTER = 3.0
"""Seconds that a drill's keeper has to end it before anybody else does."""


class Order(msgspec.Struct, frozen=True):
    """One drill. Times of day are labels; what counts is the boot time, of this one boot."""

    v: int
    id: str
    """Tells it apart from every other."""
    drill: str
    release: str
    deployment: str
    root: str
    by: str
    begun: str
    """ISO 8601."""
    until: str
    boot_id: str
    begun_boot: float
    until_boot: float
    """0: it is being ended."""
    leak_mb: int = 0
    """What a leak holds at its full size."""
    ramp: float = 0.0
    """Seconds in which it grows to that."""
    tape_sha256: str = ""
    """The live tape as it was; empty: this drill leaves it alone."""
    damaged_sha256: str = ""

    def active(self, release: str, root: Path, now: Instant) -> bool:
        """Whether the pipeline of ``release`` at ``root`` has to obey it now."""
        return self.release == release and self.root == str(root) and self.runs(now)

    def runs(self, now: Instant) -> bool:
        """Whether its time has come and is not over."""
        return self.boot_id == boot_id() and self.begun_boot <= now.boot < self.until_boot

    def overdue(self, now: Instant) -> bool:
        """Whether its time is over and it should have been ended."""
        return self.boot_id != boot_id() or now.boot >= self.until_boot + OVERDUE_AFTER


def order_file(root: Path) -> Path:
    """Where the order of the deployment at ``root`` stands."""
    return root / ".rollback" / NAME


def read_order(root: Path) -> Order | None:
    """The order as it stands; None when there is none, or none that can be understood."""
    try:
        order = msgspec.json.decode(order_file(root).read_bytes(), type=Order)
    except (OSError, *UNDECODABLE):
        return None
    return order if order.v == VERSION else None


def write_order(root: Path, order: Order) -> None:
    """Put it there. OSError."""
    path = order_file(root)
    make_directory(path.parent)
    write_file(path, msgspec.json.encode(order))
