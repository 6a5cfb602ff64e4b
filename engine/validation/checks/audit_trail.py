"""Is the audit trail unbroken, and did every finished run leave its events in it?"""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.clock import iso
from engine.config import Deployment
from engine.records import ChainReport, Record, read_lines, verify_chain
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings
from engine.validation.runs import Run

_KINDS = ("run.started", "run.finished")
_LOOKED_AT = 50
"""Runs before the last one whose events are looked for."""
_TRIES = 5


def check_audit(evidence: Evidence) -> Check:
    """The hash chain; the events of the last finished run (FAIL) and of those before it in its stint (WARN: gaps)."""
    findings, deployment = Findings(), evidence.deployment
    chain = _verified(deployment)
    findings.figures["records"] = chain.records
    if not chain.records and not chain.problem:
        findings.fail("there is no audit trail")
    if not chain.intact:
        findings.fail(f"the chain is broken: {chain.problem}")
        return findings.check("")
    own = evidence.own_runs
    if own:
        _judge_events(own[-1 - _LOOKED_AT :], read_lines(deployment.paths.events), evidence.since, findings)
    elif evidence.not_running:
        findings.not_run(evidence.not_running)
    else:
        findings.fail(f"{evidence.release.release} has no finished run{evidence.since}")
    if evidence.stint is not None:
        findings.figures["counted_since"] = iso(evidence.stint.at)
    left = findings.figures.get("last_run_events", 0)
    return findings.check(f"{chain.records:,} records unbroken, last run left {left} events")


def _judge_events(runs: Sequence[Run], events: Sequence[Record], since: str, findings: Findings) -> None:
    found: dict[str, list[str]] = {}
    for event in events:
        if event.get("source") == "pipeline":
            found.setdefault(str(event["data"].get("run_id")), []).append(str(event.get("kind")))
    last = runs[-1]
    left = found.get(last.run_id, [])
    findings.figures |= {"last_run": last.run_id, "last_run_events": len(left)}
    missing = [kind for kind in _KINDS if kind not in left]
    if missing:
        findings.fail(f"the last run left no event {' and no event '.join(missing)}")
    elif len(left) < last.audit_events:
        findings.fail(f"the last run wrote {last.audit_events} events, {len(left)} are there")
    gaps = [run for run in runs[:-1] if any(kind not in found.get(run.run_id, []) for kind in _KINDS)]
    findings.figures["runs_without_events"] = len(gaps) + bool(missing)
    if gaps:
        before = f"{len(gaps)} of the {len(runs) - 1} runs before it" if len(runs) > 2 else "the run before it"
        findings.warn(f"gaps: {before} left no complete events{since}")


def _verified(deployment: Deployment) -> ChainReport:
    """The chain, read again when its last line is just being written."""
    for _ in range(_TRIES - 1):
        chain = verify_chain(deployment.paths.events)
        if "unfinished" not in chain.problem:
            return chain
        time.sleep(0.02)
    return verify_chain(deployment.paths.events)
