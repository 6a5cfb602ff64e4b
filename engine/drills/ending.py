"""Ending a drill: everything that it changed is put right, whoever does it and however often."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from engine.clock import Clock
from engine.config import Deployment
from engine.drills.order import Order, order_file, read_order, write_order
from engine.drills.tape import put_back
from engine.errors import LockHeld, OpsError
from engine.records import FileLock, append_event, harmless, is_locked, make_directory
from engine.services import open_service
from engine.services.active import configured_release
from engine.services.detached import spawn_detached

LOCK_WAIT = 15.0
"""Seconds: whoever begins or ends a drill is done before."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending a drill did."""

    order: Order
    ok: bool
    said: tuple[str, ...]
    """What was put right, or could not be; one sentence each."""


@contextmanager
def taking_turns(deployment: Deployment) -> Iterator[None]:
    """One at a time begins or ends a drill. LockHeld."""
    make_directory(deployment.paths.rollback)
    with FileLock(deployment.paths.rollback / "drill.lock") as lock:
        if not lock.acquire(LOCK_WAIT):
            raise LockHeld("a drill is just being begun or ended", "try again")
        yield


def end(
    deployment: Deployment, why: str, *, actor: str, clock: Clock, only: Callable[[Order], bool] = lambda _: True
) -> Ended | None:
    """End the drill of this deployment and say ``why``; None when there is none. LockHeld, OSError.

    ``only``: looks at the order once nobody else can change it; another drill may have begun meanwhile.
    """
    with taking_turns(deployment):
        order = read_order(deployment.root)
        if order is not None and not only(order):
            return None
        return end_here(deployment, why, actor=actor, clock=clock)


def end_here(deployment: Deployment, why: str, *, actor: str, clock: Clock) -> Ended | None:
    """The same for one whose turn it is already."""
    root = deployment.root
    order = read_order(root)
    if order is None:
        order_file(root).unlink(missing_ok=True)  # what nobody can understand orders nothing
        return None
    write_order(root, msgspec.structs.replace(order, until_boot=0.0))  # from here on no pipeline obeys it
    ok, said = True, []
    for right in (_tape, _service, _monitor):
        try:
            done, sentence = right(deployment, order)
        except (OpsError, OSError) as error:
            done, sentence = False, harmless(getattr(error, "what", error))
        ok = ok and done
        said += [sentence] if sentence else []
    ended = Ended(order, ok, tuple(said))
    _tell(deployment, ended, why, actor, clock)
    if ok:
        order_file(root).unlink(missing_ok=True)
    return ended


def _tape(deployment: Deployment, order: Order) -> tuple[bool, str]:
    if not order.tape_sha256:
        return True, ""
    found = put_back(deployment.root, deployment.tape, order.tape_sha256, order.damaged_sha256)
    return found.ok, found.says


def _service(deployment: Deployment, order: Order) -> tuple[bool, str]:
    """A service that crashed until it was given up is started again, if it is still the one that should run."""
    if order.drill != "crash" or configured_release(deployment.active_config)[0] != order.release:
        return True, ""
    service = open_service(deployment, order.release)
    if service.status().state != "FAILED":
        return True, ""
    service.start()
    return True, f"{order.release} was started again"


def _monitor(deployment: Deployment, order: Order) -> tuple[bool, str]:
    if order.drill != "stop-monitor" or is_locked(deployment.paths.monitor_lock):
        return True, ""
    command = [sys.executable, "-m", "engine.monitoring", "--root", str(deployment.root)]
    spawn_detached(command, cwd=deployment.root, output=deployment.paths.logs / "monitor.out")
    return True, "the monitor was started again"


def _tell(deployment: Deployment, ended: Ended, why: str, actor: str, clock: Clock) -> None:
    """An audit event; what was put right does not depend on it."""
    order = ended.order
    data = {"drill": order.drill, "id": order.id, "release": order.release, "why": why, "ok": ended.ok}
    try:
        data["restored"] = list(ended.said)
        append_event(deployment.paths.events, "drill.ended", data, source="drill", actor=actor, clock=clock)
    except (OpsError, OSError) as error:
        print(f"drill.ended is not in the audit trail: {error}", flush=True)
