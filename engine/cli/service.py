"""``abaco-ops service ACTION [RELEASE]``: a release's service, by hand; and what its unit file asks and runs."""

from __future__ import annotations

import argparse
import contextlib
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import iso
from engine.config import Deployment
from engine.errors import CHECK_FAILED, DONE, LockHeld, NeedsHuman, OpsError, Refused
from engine.operations.found import find_state
from engine.operations.journal import list_operations
from engine.operations.may_start import answer
from engine.operations.model import Operation, state_in_words
from engine.records import FileLock, append_event, harmless, is_locked
from engine.services import Service, ServiceStatus, open_service
from engine.services.active import configured_release
from engine.services.opening import become


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``service start|stop|status RELEASE [--force --reason TEXT] [--json] [--lines N]``, ``may-start``, ``exec``."""
    does = "may-start: exit 0 when it may start by itself now, else 1; exec: become its command (both for unit files)"
    parser.add_argument("action", choices=("start", "stop", "status", "may-start", "exec"), help=does)
    names = "v1, v2: a name from config/releases; status: both when none is named"
    parser.add_argument("release", metavar="RELEASE", nargs="?", help=names)
    parser.add_argument("--json", action="store_true", help="the status as JSON, one line for each release")
    parser.add_argument("--force", action="store_true", help="start, though an operation stopped half-way")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why it is forced; stands in the audit trail")
    parser.add_argument("--lines", type=int, default=5, metavar="N", help="last lines of its output (5)")


def run(context: Context, options: argparse.Namespace) -> int:
    """Do it and show the status; 4 when a service cannot be brought where it was told."""
    deployment = context.deployment()
    if options.release is None and options.action == "status":
        for release in (deployment.old.release, deployment.new.release):
            _show(open_service(deployment, release), options)
        return DONE
    if options.release is None:
        known = ", ".join(deployment.releases)
        raise Refused(f"service {options.action} needs a release", f"service {options.action} RELEASE, one of: {known}")
    if options.release not in deployment.releases:
        raise Refused(f"{options.release!r} is no release here", f"one of: {', '.join(deployment.releases)}")
    if options.action in ("may-start", "exec"):
        return _of_a_unit(context, deployment, options)
    service = open_service(deployment, options.release)
    if options.action != "status":
        context.require_write(f"abaco-ops service {options.action}", deployment)
        _act(deployment, service, options)
    _show(service, options)
    return DONE


def _of_a_unit(context: Context, deployment: Deployment, options: argparse.Namespace) -> int:
    """Asked by systemd and not by a person: also where people may only look."""
    release = options.release
    if options.action == "exec":
        context.require_write("abaco-ops service exec")
        become(deployment, release)
    why = answer(deployment, release)
    print(f"{release} may start" if not why else f"{release} does not start: {why}")
    return CHECK_FAILED if why else DONE


def _act(deployment: Deployment, service: Service, options: argparse.Namespace) -> None:
    action, release = options.action, options.release
    if is_locked(deployment.paths.operation_lock):
        raise LockHeld("an operation is running", "wait for it, or watch it: abaco-ops history")
    data: dict[str, object] = {"release": release}
    if action == "start":
        data |= _forced(deployment, options)
        _refuse_second_release(deployment, release)
        if not options.force:
            _refuse_without_its_configuration(deployment, release)
        _start(deployment, service)
    else:
        data |= {"reason": options.reason} if options.reason.strip() else {}
        result = service.stop()
        if not result.stopped:
            raise NeedsHuman(f"{service.name} still has processes: {', '.join(result.left)}", "end them by hand")
    try:
        append_event(deployment.paths.events, f"service.{action}", data, source="cli")
    except (OSError, OpsError) as error:  # it is done: what is to be done after it must not stop here
        sys.stderr.write(f"WARNING the audit trail cannot be written: {harmless(error)}\n")


def _start(deployment: Deployment, service: Service) -> None:
    """Under the lock, as in an operation: a unit that asks whether it may start then gets a yes."""
    with FileLock(deployment.paths.operation_lock) as lock:
        if deployment.console.services.backend == "systemd":
            with contextlib.suppress(OSError):  # not ours to take: then the unit judges for itself
                if not lock.acquire():
                    raise LockHeld("an operation has just begun", "watch it: abaco-ops history")
        service.start()


def _refuse_without_its_configuration(deployment: Deployment, release: str) -> None:
    """A release that does not look for itself would publish into the other one's metrics, without any snapshot."""
    configured, problem = configured_release(deployment.active_config)
    if configured != release:
        found = problem or f"the active configuration is that of {configured}"
        raise Refused(f"{release} is not started: {found}", "abaco-ops cutover or rollback; or --force --reason TEXT")


def _forced(deployment: Deployment, options: argparse.Namespace) -> dict[str, object]:
    """What the audit trail keeps of a forced start. Refused while an operation is open and nothing is forced."""
    if options.force and not options.reason.strip():
        raise Refused("--force needs a reason", "--force --reason TEXT")
    unfinished = [item for item in list_operations(deployment.paths.operations) if item.open]
    if not unfinished:
        return {}
    newest = unfinished[-1]
    found = _found(deployment, newest)
    if not options.force:
        raise Refused(
            f"{newest.id} stopped half-way ({state_in_words(newest.state)}); {found}",
            f"{newest.offers[0] if newest.offers else 'abaco-ops rollback'}; or, if you know better: "
            f"service start {options.release} --force --reason TEXT",
        )
    sys.stderr.write(f"forced: {newest.id} is {state_in_words(newest.state)}; {found}\n")
    return {"forced": True, "reason": options.reason, "open": [item.id for item in unfinished], "found": found}


def _found(deployment: Deployment, operation: Operation) -> str:
    try:
        return f"found: {find_state(deployment, operation).says}"
    except (OSError, OpsError) as error:
        return harmless(f"what is live cannot be told: {error}")


def _refuse_second_release(deployment: Deployment, release: str) -> None:
    for other in deployment.releases:
        state = open_service(deployment, other).status().state if other != release else "STOPPED"
        if state in ("RUNNING", "UNSURE"):
            raise Refused(
                f"{other} is {state}, and two releases must not run at once",
                f"stop it first: abaco-ops service stop {other}",
            )


def _show(service: Service, options: argparse.Namespace) -> None:
    status = service.status()
    if options.json:
        print(msgspec.json.encode(status).decode())
    else:
        _tell(service, status, options.lines)


def _tell(service: Service, status: ServiceStatus, lines: int) -> None:
    who = f"  pid {status.identity.pid}" if status.identity else ""
    since = f"  since {iso(status.since)}" if status.since else ""
    print(f"{status.name}: {status.state}{who}{since}{'' if status.supervised or not who else '  NOT SUPERVISED'}")
    if status.reason:
        print(f"  {status.reason}")
    if status.restarts:
        print(f"  restarted {len(status.restarts)} times, last {iso(status.restarts[-1])}")
    if status.restarts_unread:
        print(f"  {status.restarts_unread}")
    for line in service.last_lines(lines):
        print(f"  | {line}")
