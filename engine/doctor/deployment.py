"""One deployment: its files, accounts, disk, services and records."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from engine.clock import SystemClock, pretty_duration
from engine.config import Deployment
from engine.config.may_write import as_root
from engine.config.newer import newer_here
from engine.doctor.accounts import examine_accounts
from engine.doctor.channels import examine_channels
from engine.doctor.finding import Finding
from engine.doctor.prometheus import examine_prometheus
from engine.doctor.runs import examine_runs
from engine.doctor.tapes import examine_reference_tape, examine_tape
from engine.doctor.units import examine_units
from engine.errors import OpsError
from engine.monitoring.continuity import lost_now
from engine.monitoring.model import Evaluation
from engine.monitoring.onlooker import look_into
from engine.monitoring.store import SampleStore
from engine.monitoring.undecodable import Undecodable
from engine.operations.journal import list_operations
from engine.operations.model import state_in_words
from engine.operations.places import problems
from engine.operations.preflight import rooms
from engine.operations.reserve import reserve_problem
from engine.records import existing, harmless, is_locked, verify_chain
from engine.records.counted import counted
from engine.records.form import VERSION
from engine.services import open_service
from engine.services.active import active_release, configured_release
from engine.services.record import ServiceFiles
from engine.state.measured import age_of, patience_with
from engine.validation.history import damaged_lines

_SAMPLE = "engine.pipeline"
"""The module of the sample pipelines that ``init`` writes into the releases."""
Examination = Callable[[Deployment], Iterator[Finding]]


def examine_deployment(deployment: Deployment) -> list[Finding]:
    """Every examination; one that cannot be made says so and stops no other."""
    findings: list[Finding] = []
    for name, examine in EXAMINATIONS.items():
        try:
            findings += examine(deployment)
        except (OSError, OpsError, sqlite3.Error, UnicodeDecodeError) as error:
            findings.append(Finding(name, "FAIL", harmless(error), "look at the file, its mode and its owner"))
    return findings


def _active(deployment: Deployment) -> Iterator[Finding]:
    path = deployment.active_config
    if not path.is_file():
        yield Finding("active config", "FAIL", f"{path} is missing", "copy the release's file from config/releases/")
        return
    active = path.read_bytes()
    for release in (deployment.old, deployment.new):
        if active == deployment.paths.release(release.release).read_bytes():
            yield Finding("active config", "ok", f"{path.name} is {release.release}.yml, byte for byte")
            return
    yield Finding(
        "active config",
        "WARN",
        f"{path.name} is none of the staged files: it was edited, or they were",
        "make the staged file and the active one alike, so that the way back restores what ran",
    )


def _formulas(deployment: Deployment) -> Iterator[Finding]:
    from engine.portfolio.formula import parse_formulas  # only here: nothing else of the console needs it

    count = len(parse_formulas(deployment.kpis))
    yield Finding("formulas", "ok", f"{count} KPIs can be computed from the configured columns")


def _permissions(deployment: Deployment) -> Iterator[Finding]:
    if deployment.onlooker:
        return
    if (unit := deployment.console.services.operation_unit) is not None and not os.access(deployment.root, os.W_OK):
        yield _asks_only(deployment, unit)
        return
    closed = problems(deployment, probing=False)
    if not os.access(deployment.paths.config, os.W_OK | os.X_OK):
        closed.append(f"no right to write in {deployment.paths.config}")
    for problem in closed:
        yield Finding("permissions", "FAIL", harmless(problem), "a cutover would refuse: mend it, or only look")
    if not closed:
        yield Finding("permissions", "ok", "configuration, logs, way back and metrics can be written, files replaced")


def _asks_only(deployment: Deployment, unit: str) -> Finding:
    """An operator: asks for operations, which run as the user of their unit and look before they touch anything."""
    place = existing(deployment.paths.operations)
    if not os.access(place, os.W_OK | os.X_OK):
        group = deployment.console.deployment.group or "GROUP"
        share = f"abaco-ops init {deployment.root} --share {group}"
        fix = f"{as_root(share)}; this account in that group"
        return Finding("permissions", "FAIL", f"this account may ask for no operation: it cannot write in {place}", fix)
    return Finding("permissions", "ok", f"this account asks for operations, {unit} carries them out as its own user")


def _disk(deployment: Deployment) -> Iterator[Finding]:
    for room in rooms(deployment):
        fix = "make room: old logs, snapshots, metrics" if room.problem else ""
        shown = room.problem or f"{room.place}: {room}, by a cutover and its way back"
        yield Finding("disk", "FAIL" if fix else "ok", shown, fix)
    covered = [existing((deployment.root / name).parent).stat().st_dev for name in deployment.console.snapshot.covers]
    if any(device != existing(deployment.paths.rollback).stat().st_dev for device in covered):
        yield Finding(
            "file systems",
            "WARN",
            "the metrics and .rollback/ are on different file systems: a rollback copies what it sets aside",
            "put them on one where you can: then it only renames",
        )
    if configured_release(deployment.active_config)[0] == deployment.console.releases.new:
        missing = reserve_problem(deployment)
        fix = "make room: the next proof of the way back keeps it again" if missing else ""
        yield Finding("reserve", "WARN" if missing else "ok", missing or "space is kept for a rollback", fix)


def _programs(deployment: Deployment) -> Iterator[Finding]:
    for release in (deployment.old, deployment.new):
        commands = (release.service.command, release.programs.kpi, release.programs.test, release.programs.verify)
        first = {deployment.command(command, release.release)[0] for command in commands if command}
        missing = sorted(program for program in first if shutil.which(program) is None)
        if missing:
            said = harmless(", ".join(missing))
            yield Finding(
                f"programs {release.release}", "FAIL", f"{said} cannot be run", "install it, or mend the path"
            )
        else:
            yield Finding(f"programs {release.release}", "ok", "service, KPI, test and verify commands are there")


def _samples(deployment: Deployment) -> Iterator[Finding]:
    """The sample pipelines are there to try the console; what production publishes is not computed by them."""
    if "DEMO" in deployment.console.deployment.environment.upper():
        return
    for release in (deployment.old, deployment.new):
        programs = release.programs
        commands = (release.service.command, programs.kpi, programs.test, programs.verify)
        if any(_SAMPLE in word for command in commands for word in command):
            yield Finding(
                f"sample {release.release}",
                "WARN",
                f"{release.release} runs the sample pipeline, and this is {deployment.console.deployment.environment}",
                f"write your own service, programs and build files into config/releases/{release.release}.yml",
            )


def _services(deployment: Deployment) -> Iterator[Finding]:
    for release in (deployment.old, deployment.new):
        origin = ServiceFiles(deployment.paths.services / release.service.name).copied_from()
        if origin is not None and deployment.console.services.backend == "embedded":
            said = f"its record was copied from {origin}: what that names is not looked at here"
            yield Finding(f"copy of {release.release}", "ok", harmless(said))
        service = open_service(deployment, release.release)
        status = service.status()
        alone = status.state == "RUNNING" and not status.supervised
        wrong = status.state in ("FAILED", "UNSURE") or alone
        said = f"{status.state}{': ' + status.reason if status.reason else ''}"
        if alone:  # another account's is for that account to mend
            said += f", {service.obstacle().removeprefix('it runs ') or 'without a supervisor'}"
        fix = f"abaco-ops service {'start' if alone else 'status'} {release.release}" if wrong else ""
        yield Finding(f"service {release.release}", "WARN" if wrong else "ok", harmless(said), fix)


def _operations(deployment: Deployment) -> Iterator[Finding]:
    """What stopped half-way, and what is live: with neither release at work the way on is that of the operation."""
    live, way_on = active_release(deployment), ""
    for item in list_operations(deployment.paths.operations):
        if not item.open:
            continue
        said, fix = f"{item.id} is {state_in_words(item.state)}", f"abaco-ops history {item.id}: its ways on"
        if live.name is None:
            way_on = item.offers[0].split("    ")[0] if item.offers else "abaco-ops rollback"
            yield Finding("operation", "FAIL", f"{said}, and no release is live", f"{way_on}; {fix}")
        else:
            yield Finding("operation", "WARN", said, fix)
    if live.name is None:
        start = f"abaco-ops service start {live.configured or deployment.old.release}; none is needed before it is used"
        yield Finding("live release", "WARN", harmless(live.reason), way_on or start)
    else:
        yield Finding("live release", "ok", live.name)


def _monitor(deployment: Deployment) -> Iterator[Finding]:
    if not is_locked(deployment.paths.monitor_lock):
        yield Finding("monitor", "WARN", "none runs", "the console starts one; without a console: abaco-ops monitor")
        return
    damage = _damage_of(deployment.paths.samples)
    if damage:
        yield Finding("samples.db", "FAIL", f"is damaged: {damage}", _SAMPLES_DAMAGED)
        return
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        newest = store.newest_evaluation()
    except Undecodable as error:
        said = f"runs, and what it judged cannot be read: {error}"
        yield Finding("monitor", "FAIL", said, "abaco-ops --version: one version everywhere; else see logs/monitor.out")
        return
    finally:
        store.close()
    yield _as_it_samples(deployment, newest)


def _as_it_samples(deployment: Deployment, newest: Evaluation | None) -> Finding:
    """A monitor that holds its lock and does not sample is no monitor."""
    if newest is None:
        return Finding("monitor", "WARN", "runs, no sample yet")
    age = age_of(newest, SystemClock().now())
    if age is not None and age <= patience_with(deployment, newest, runs=True):
        return Finding("monitor", "ok", f"runs, verdict {newest.verdict.word}")
    since = "since before the last start of this machine" if age is None else f"for {pretty_duration(age)}"
    return Finding("monitor", "FAIL", f"pid {newest.pid} has sampled nothing {since}", "abaco-ops monitor --restart")


_SAMPLES_DAMAGED = (
    "the monitor sets it aside when it meets the damage; to begin a new one now: abaco-ops monitor --stop, "
    "move logs/samples.db* away, abaco-ops monitor. Audit trail and monitoring log stay"
)


def _damage_of(samples: Path) -> str:
    """What SQLite finds wrong in its pages; empty when nothing is. sqlite3.Error when it cannot be opened."""
    if not samples.exists():
        return ""
    try:
        with closing(look_into(samples)[0]) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        return ""  # busy: nothing is known against it
    except sqlite3.DatabaseError as error:
        return harmless(error, 120)
    return "" if found == "ok" else harmless(found.replace("\n", " "), 120)


def _records(deployment: Deployment) -> Iterator[Finding]:
    newer = newer_here(deployment.paths)
    fix = "use that version: this one reads what it can, and writes nothing" if newer else ""
    yield Finding("records", "FAIL" if newer else "ok", newer or f"of version {VERSION}, as this one writes them", fix)


def _audit(deployment: Deployment) -> Iterator[Finding]:
    report = verify_chain(deployment.paths.events)
    if report.problem:
        yield Finding(
            "audit trail", "FAIL", report.problem, "keep the file; nothing repairs it. abaco-ops audit verify"
        )
    elif lost := lost_now(deployment):
        fix = "keep the old file if it is found; then abaco-ops ack AUD --reason TEXT takes note of it"
        yield Finding("audit trail", "FAIL", lost, fix)
    else:
        yield Finding("audit trail", "ok", f"{report.records} records, the chain holds")


def _validations(deployment: Deployment) -> Iterator[Finding]:
    """Told only where something is wrong: nothing is removed from a history with a damaged line."""
    path = deployment.paths.validations
    found = damaged_lines(deployment.paths)
    if found:
        said = f"{counted(len(found), 'line')} of {path} cannot be read: no old report is removed any more"
        mend = ";".join(f"{number}d" for number in found[:20])
        yield Finding("validations", "WARN", said, f"keep a copy of the file, then sed -i '{mend}' {path}")


EXAMINATIONS: dict[str, Examination] = {
    "active config": _active,
    "formulas": _formulas,
    "tape": examine_tape,
    "reference": examine_reference_tape,
    "permissions": _permissions,
    "accounts": examine_accounts,
    "disk": _disk,
    "programs": _programs,
    "samples": _samples,
    "services": _services,
    "operations": _operations,
    "runs": examine_runs,
    "units": examine_units,
    "monitor": _monitor,
    "records": _records,
    "audit trail": _audit,
    "validations": _validations,
    "channels": examine_channels,
    "prometheus": examine_prometheus,
}
