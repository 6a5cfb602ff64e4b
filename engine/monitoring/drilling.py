"""Beginning a drill: looks first whether it may, keeps what it is going to change, then gives the order."""

from __future__ import annotations

import hashlib
import secrets
import stat
import sys
from datetime import timedelta

import msgspec

from engine.clock import Clock, boot_id, iso, pretty_duration
from engine.config import Deployment
from engine.config.looking import must_write
from engine.drills.ending import end_here, taking_turns
from engine.drills.faults import FAULTS, LEAK_MB, LEAK_RAMP, after, lasts
from engine.drills.order import Order, order_file, read_order, write_order
from engine.drills.tape import keep_original
from engine.errors import NeedsHuman, OpsError, Refused
from engine.monitoring.launch import monitor_running, stop_monitor
from engine.operations.lock import held_by
from engine.records import append_event, write_file
from engine.records.form import VERSION
from engine.services.active import active_release
from engine.services.detached import spawn_detached

SPARE_MEMORY = 3
"""The machine must have this many times the memory of a leak to spare."""
LONGEST = 86400.0


def must_be_demo(deployment: Deployment) -> None:
    """Refused where drills would break something real."""
    if not deployment.console.deployment.demo:
        raise Refused(
            f"{deployment.root} is no demo: a drill would break a real deployment",
            f"deployment.demo in {deployment.paths.config / 'console.yml'} is false; abaco-ops demo DIR makes a demo",
        )


def begin(deployment: Deployment, drill: str, *, seconds: float | None, actor: str, clock: Clock) -> Order:
    """Begin a drill that ends by itself after ``seconds`` (None: when its verdicts have been seen); the order.

    Refused: no demo, no such drill, another one runs, no release is live, an operation is under way.
    """
    must_write(deployment, "a drill")
    must_be_demo(deployment)
    if drill not in FAULTS:
        raise Refused(f"there is no drill {drill!r}", f"one of: {', '.join(FAULTS)}")
    length = lasts(deployment, FAULTS[drill]) if seconds is None else seconds
    if not 1.0 <= length <= LONGEST:
        raise Refused(f"a drill of {length:g} s makes no sense", "between 1s and 24h")
    with taking_turns(deployment):
        _nothing_in_the_way(deployment, drill, actor, clock)
        release = active_release(deployment)
        if release.name is None:
            raise Refused(f"no release is live: {release.reason}", "bring the demo up: abaco-ops demo DIR")
        order = _order(deployment, drill, release.name, length, actor, clock)
        damaged = b""
        if drill == "corrupt-tape":
            order, damaged = _with_tape(deployment, order)
        _give(deployment, order, actor, clock)
        if damaged:
            write_file(deployment.tape, damaged, stat.S_IMODE(deployment.tape.stat().st_mode))
        if drill == "stop-monitor":
            stop_monitor(deployment)
        return order


def _nothing_in_the_way(deployment: Deployment, drill: str, actor: str, clock: Clock) -> None:
    there, now = read_order(deployment.root), clock.now()
    if there is not None and there.runs(now):
        left = pretty_duration(there.until_boot - now.boot)
        raise Refused(f"the drill {there.drill} runs, it ends in {left}", "abaco-ops drill --end ends it now")
    ended = end_here(deployment, "its time was over", actor=actor, clock=clock)
    if ended is not None and not ended.ok:
        raise NeedsHuman(f"the drill {ended.order.drill} is not put right: {'; '.join(ended.said)}", "see to it first")
    operating = held_by(deployment)
    if operating:
        raise Refused(f"an operation is under way: {operating}", "let it end first")
    if drill == "stop-monitor" and not monitor_running(deployment):
        raise Refused("no monitor runs: there is none to stop", "abaco-ops monitor starts one")
    if drill == "corrupt-tape" and not deployment.paths.validation_report.exists():
        raise Refused("nothing has validated the tape here yet: a damaged one would go unnoticed", "abaco-ops validate")
    if drill == "leak":
        free = _available_mb()
        if free < SPARE_MEMORY * LEAK_MB:
            raise Refused(
                f"this machine has {free:.0f} MB to spare: a leak of {LEAK_MB} MB could do harm",
                f"it needs {SPARE_MEMORY * LEAK_MB} MB",
            )


def _order(deployment: Deployment, drill: str, release: str, length: float, actor: str, clock: Clock) -> Order:
    now = clock.now()
    return Order(
        v=VERSION,
        id=secrets.token_hex(6),
        drill=drill,
        release=release,
        deployment=deployment.console.deployment.name,
        root=str(deployment.root),
        by=actor,
        begun=iso(now.wall),
        until=iso(now.wall + timedelta(seconds=length)),
        boot_id=boot_id(),
        begun_boot=now.boot,
        until_boot=now.boot + length,
        leak_mb=LEAK_MB if drill == "leak" else 0,
        ramp=LEAK_RAMP / float(deployment.console.time_scale),
    )


def _with_tape(deployment: Deployment, order: Order) -> tuple[Order, bytes]:
    section = deployment.kpis.tape
    original, damaged = keep_original(deployment.root, deployment.tape, (section.total, *section.buckets[-1:]))
    hashed = hashlib.sha256(damaged).hexdigest()
    return msgspec.structs.replace(order, tape_sha256=original, damaged_sha256=hashed), damaged


def _give(deployment: Deployment, order: Order, actor: str, clock: Clock) -> None:
    """Somebody who will end it, the event, then the order: no fault without all three."""
    fault = FAULTS[order.drill]
    data = {
        "drill": order.drill,
        "id": order.id,
        "release": order.release,
        "until": order.until,
        "does": fault.does,
        "expected": fault.expects[-1].verdict,
        "after": after(deployment, fault.expects[-1]),
    }
    try:
        write_order(deployment.root, order)
        append_event(deployment.paths.events, "drill.started", data, source="drill", actor=actor, clock=clock)
        keeper = [sys.executable, "-m", "engine.drills", "keep", "--root", str(deployment.root)]
        spawn_detached(keeper, cwd=deployment.root, output=deployment.paths.logs / "drill.out")
    except (OpsError, OSError):
        order_file(deployment.root).unlink(missing_ok=True)
        raise


def _available_mb() -> float:
    """Memory that programs could still take, in MB; 0 when that cannot be read."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 - a plain read of the kernel's file
            found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "0")
    except OSError:
        return 0.0
    return int(found) * 1024 / 1e6
