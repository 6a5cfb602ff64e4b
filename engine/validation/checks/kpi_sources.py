"""What the KPIs of now are set against, read from the records of validations, runs and shadow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.records import records_from_end
from engine.validation.checks.kpi_parts import Known, Values, kpi_questions
from engine.validation.evidence import Evidence
from engine.validation.history import LOOKED_AT, Kept, read_history
from engine.validation.model import Findings
from engine.validation.parts import ask_all
from engine.validation.reference import reference_question
from engine.validation.runs import NotPublished, of_release, published


def judge_sources(evidence: Evidence, findings: Findings) -> None:
    """Ask every question about the KPIs, and leave their values among the figures for the next validation."""
    kpis = evidence.kpis
    known = Known(
        deployment=evidence.deployment,
        release=evidence.release.release,
        now=kpis.latest if kpis is not None else None,
        tape_sha256=kpis.sha256 if kpis is not None else None,
        published=findings.figures.get("kpis"),
        foreign=evidence.foreign,
        earlier=lambda: _earlier(evidence),
        baseline=lambda: _baseline(evidence),
        old=lambda: _old(evidence),
    )
    findings.figures["recomputed"] = known.values
    questions = [*kpi_questions(known), reference_question(evidence.deployment)]
    ask_all(questions, findings, not_run=evidence.not_running)


def _earlier(evidence: Evidence) -> Sequence[Kept]:
    return read_history(evidence.deployment.paths, LOOKED_AT).live


def _baseline(evidence: Evidence) -> list[Values]:
    """What each of the old release's last runs published, as far as its outputs are still there."""
    deployment = evidence.deployment
    runs = [run for run in of_release(evidence.runs, deployment.console.releases.old) if run.ok]
    found = []
    for run in runs[-deployment.monitoring.baseline.runs :]:
        try:
            found.append(_values(published(deployment, run).get("kpis")))
        except NotPublished:
            continue  # older outputs are removed in time
    return found


def _old(evidence: Evidence) -> Values | None:
    """The old release on this very tape: as it published it, or as it computed it in the shadow since."""
    digest = evidence.kpis.sha256 if evidence.kpis is not None else None
    if digest is None:
        return None  # of a tape of several files nobody can say that it is the same
    for record in records_from_end(evidence.deployment.paths.shadow):
        if record and record.get("tape_sha256") == digest and not record.get("reason"):
            values: Any = record.get("values")
            return _numbers(values) if isinstance(values, Mapping) else None
    old = of_release(evidence.runs, evidence.deployment.console.releases.old)
    run = next((run for run in reversed(old) if run.ok and run.tape_sha256 == digest), None)
    try:
        return _values(published(evidence.deployment, run).get("kpis")) if run is not None else None
    except NotPublished:
        return None


def _values(kpis: Any) -> Values:
    if not isinstance(kpis, Mapping):
        return {}
    return _numbers({name: kpi.get("value") for name, kpi in kpis.items() if isinstance(kpi, Mapping)})


def _numbers(values: Mapping[Any, Any]) -> Values:
    return {
        str(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
