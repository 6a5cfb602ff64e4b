"""A trace with its sources: the run by its id, the process by its pid, the validation by its report."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from engine.clock import parse_iso
from engine.config import Deployment
from engine.config.prometheus import PREFIX
from engine.errors import Refused
from engine.monitoring.run_source import READ_AT_START, readable_records, tail_of
from engine.monitoring.runs import parse_run
from engine.monitoring.store import SampleStore
from engine.monitoring.trace import Sampled, Trace, pid_of, trace
from engine.monitoring.undecodable import OfNewer
from engine.records import harmless

_TO_DO = (
    "if the file is damaged, a running monitor sets it aside when it meets the damage, and begins a new one: "
    "abaco-ops status says so; the audit trail and the monitoring log are files of their own, and stay"
)
_READ = 4 * READ_AT_START
"""Bytes at the end of run records and audit trail in which a source is looked for."""


def traced(deployment: Deployment, name: str) -> Trace:
    """The newest judgement of a condition with its samples. Refused, with the reason, when there is none."""
    known = deployment.monitoring.conditions
    if name not in known:
        raise Refused(f"there is no condition {harmless(name, 40)!r}", f"one of: {', '.join(known)}")
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        found = trace(deployment, store, name) if deployment.paths.samples.exists() else None
    except OfNewer as error:
        raise Refused(str(error), "ask that version: abaco-ops --version") from error
    except sqlite3.Error as error:
        raise Refused(f"{deployment.paths.samples.name}: {harmless(error)}", _TO_DO) from error
    finally:
        store.close()
    if found is None:
        raise Refused(f"{name} has not been judged yet", "abaco-ops monitor measures; abaco-ops status says how it is")
    return with_sources(deployment, found)


def with_sources(deployment: Deployment, found: Trace) -> Trace:
    """The same trace, each sample with the source it names."""
    condition = deployment.monitoring.conditions[found.id]
    if condition.metric.startswith(PREFIX):
        samples = tuple(msgspec.structs.replace(one, source=condition.metric) for one in found.samples)
        return msgspec.structs.replace(found, samples=samples)
    per = condition.per
    names = _runs(deployment) if per == "run" else _reports(deployment) if per == "event" else {}
    samples = tuple(msgspec.structs.replace(one, source=_source(one, per, names)) for one in found.samples)
    return msgspec.structs.replace(found, samples=samples)


def _source(sample: Sampled, per: str, names: dict[tuple[str, float], str]) -> str:
    release = sample.era.partition(":")[0]
    if per == "sample":
        return f"pid {pid_of(sample.era)}" if pid_of(sample.era) else ""
    otherwise = f"a run of {release}" if per == "run" else f"a validation of {release}"
    return names.get((release, _moment(sample.at)), otherwise)


def _moment(at: datetime) -> float:
    return round(at.timestamp(), 3)


def _runs(deployment: Deployment) -> dict[tuple[str, float], str]:
    found = {}
    for record in readable_records(tail_of(deployment.paths.runs, _READ), []):
        try:
            run = parse_run(record)
        except ValueError:
            continue
        found[(run.release, _moment(run.ended))] = f"run {harmless(run.run_id[:8])}"
    return found


def _reports(deployment: Deployment) -> dict[tuple[str, float], str]:
    found = {}
    for event in readable_records(tail_of(deployment.paths.events, _READ), []):
        data = event.get("data")
        if event.get("kind") != "validation.finished" or not isinstance(data, dict):
            continue
        try:
            at = parse_iso(str(event.get("at")))
        except ValueError:
            continue
        found[(str(data.get("release")), _moment(at))] = harmless(data.get("report") or "a validation", 80)
    return found
