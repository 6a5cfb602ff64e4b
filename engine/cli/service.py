"""``abaco-ops service start|stop|status RELEASE``: a release's service, by hand."""

from __future__ import annotations

import argparse

import msgspec

from engine.cli.frame import Context
from engine.clock import iso
from engine.config import Deployment
from engine.errors import DONE, LockHeld, NeedsHuman, Refused
from engine.records import append_event, is_locked
from engine.services import Service, ServiceStatus, open_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``service start|stop|status RELEASE [--json] [--lines N]``."""
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("release", metavar="RELEASE", help="v1, v2: a name from config/releases")
    parser.add_argument("--json", action="store_true", help="the status as JSON")
    parser.add_argument("--lines", type=int, default=5, metavar="N", help="last lines of its output (5)")


def run(context: Context, options: argparse.Namespace) -> int:
    """Do it and show the status; 4 when a service cannot be brought where it was told."""
    deployment = context.deployment()
    if options.release not in deployment.releases:
        raise Refused(f"{options.release!r} is no release here", f"one of: {', '.join(deployment.releases)}")
    service = open_service(deployment, options.release)
    if options.action != "status":
        context.require_write(f"abaco-ops service {options.action}", deployment)
        _act(deployment, service, options.action, options.release)
    status = service.status()
    if options.json:
        print(msgspec.json.encode(status).decode())
    else:
        _show(service, status, options.lines)
    return DONE


def _act(deployment: Deployment, service: Service, action: str, release: str) -> None:
    if is_locked(deployment.paths.operation_lock):
        raise LockHeld("an operation is running", "wait for it, or watch it: abaco-ops history")
    if action == "start":
        _refuse_second_release(deployment, release)
        service.start()
    else:
        result = service.stop()
        if not result.stopped:
            raise NeedsHuman(f"{service.name} still has processes: {', '.join(result.left)}", "end them by hand")
    append_event(deployment.paths.events, f"service.{action}", {"release": release}, source="cli")


def _refuse_second_release(deployment: Deployment, release: str) -> None:
    for other in deployment.releases:
        state = open_service(deployment, other).status().state if other != release else "STOPPED"
        if state in ("RUNNING", "UNSURE"):
            raise Refused(
                f"{other} is {state}, and two releases must not run at once",
                f"stop it first: abaco-ops service stop {other}",
            )


def _show(service: Service, status: ServiceStatus, lines: int) -> None:
    who = f"  pid {status.identity.pid}" if status.identity else ""
    since = f"  since {iso(status.since)}" if status.since else ""
    print(f"{status.name}: {status.state}{who}{since}{'' if status.supervised or not who else '  NOT SUPERVISED'}")
    if status.reason:
        print(f"  {status.reason}")
    if status.restarts:
        print(f"  restarted {len(status.restarts)} times, last {iso(status.restarts[-1])}")
    for line in service.last_lines(lines):
        print(f"  | {line}")
