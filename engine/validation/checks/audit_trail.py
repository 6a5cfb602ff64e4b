"""Is the audit trail unbroken, did every finished run leave its events in it, and does the last one say what ran?"""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.clock import iso
from engine.config import Deployment
from engine.records import ChainReport, Record, harmless, read_lines, verify_chain
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings, Part, Sample, Status
from engine.validation.named_build import other_build
from engine.validation.parts import complete
from engine.validation.runs import Run

_KINDS = ("run.started", "run.finished")
_LOOKED_AT = 50
"""Runs before the last one whose events are looked for."""
_TRIES = 5
_SHOWN = 5


_TITLES = {
    "chain": "the hash chain is unbroken",
    "last_run_events": "the last run left its events",
    "earlier_events": "the runs before it left theirs",
    "last_run_build": "the last run names the build on the disk",
}


def check_audit(evidence: Evidence) -> Check:
    """The hash chain; the events of the last finished run (FAIL) and of those before it in its stint (WARN: gaps).

    And the build that the last one names: none is FAIL, another one than lies on the disk is WARN.
    """
    findings, deployment = Findings(), evidence.deployment
    chain = _verified(deployment)
    findings.figures["records"] = chain.records
    if not chain.records and not chain.problem:
        findings.fail("there is no audit trail")
    said = f"{chain.records:,} records" if chain.intact else f"the chain is broken: {chain.problem}"
    status: Status = "PASS" if chain.intact and chain.records else "FAIL"
    findings.part(Part("chain", _TITLES["chain"], status, said, limit="each record carries the hash of the last"))
    if not chain.intact:
        findings.fail(said)
        complete(findings, _TITLES, "the chain is broken")
        return findings.check("")
    own = evidence.own_runs
    if own:
        _judge_events(own[-1 - _LOOKED_AT :], read_lines(deployment.paths.events), evidence.since, findings)
        if not evidence.not_running:  # what lies on the disk beside a release that stands still is no mistake
            _judge_build(evidence, own[-1], findings)
    elif evidence.not_running:
        findings.not_run(evidence.not_running)
    else:
        findings.fail(f"{evidence.release.release} has no finished run{evidence.since}")
    complete(findings, _TITLES, evidence.not_running or f"there is no run to look for{evidence.since}")
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
    said = ""
    if missing:
        said = f"the last run left no event {' and no event '.join(missing)}"
    elif len(left) < last.audit_events:
        said = f"the last run wrote {last.audit_events} events, {len(left)} are there"
    if said:
        findings.fail(said)
    limit = f"{' and '.join(_KINDS)}, and as many as it wrote"
    findings.part(
        Part(
            "last_run_events",
            _TITLES["last_run_events"],
            "FAIL" if said else "PASS",
            said or f"{len(left)} events",
            limit=limit,
        )
    )
    gaps = [run for run in runs[:-1] if any(kind not in found.get(run.run_id, []) for kind in _KINDS)]
    findings.figures["runs_without_events"] = len(gaps) + bool(missing)
    before = runs[:-1]
    if not before:
        complete(findings, _TITLES, f"there is no run before it{since}")
        return
    said = f"{len(before)} runs, each with its events"
    if gaps:
        which = f"{len(gaps)} of the {len(before)} runs before it" if len(runs) > 2 else "the run before it"
        said = f"gaps: {which} left no complete events{since}"
        findings.warn(said)
    rows = tuple(Sample("no complete events", name=harmless(run.run_id, 40)) for run in gaps[:_SHOWN])
    findings.part(
        Part(
            "earlier_events",
            _TITLES["earlier_events"],
            "WARN" if gaps else "PASS",
            said,
            "warn",
            limit=" and ".join(_KINDS),
            count=len(gaps),
            of=len(before),
            rows=rows,
        )
    )


def _judge_build(evidence: Evidence, last: Run, findings: Findings) -> None:
    found = other_build(evidence.deployment, evidence.release.release, last.build)
    status: Status = "PASS" if found is None else "FAIL" if found.missing else "WARN"
    said = f"build {str(last.build)[:6]}" if found is None else found.said
    limit = "the hash of the files that `build` of the release names"
    issues = () if found is None else (said,)
    findings.part(Part("last_run_build", _TITLES["last_run_build"], status, said, limit=limit, issues=issues))


def _verified(deployment: Deployment) -> ChainReport:
    """The chain, read again when its last line is just being written."""
    for _ in range(_TRIES - 1):
        chain = verify_chain(deployment.paths.events)
        if "unfinished" not in chain.problem:
            return chain
        time.sleep(0.02)
    return verify_chain(deployment.paths.events)
