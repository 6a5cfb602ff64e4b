"""What the monitor judged, as metrics for Prometheus: text, made from one evaluation and nothing else.

The format is the text format 0.0.4 of Prometheus, which OpenMetrics readers take too once ``# EOF`` ends it. A value
that is not known is left out, never 0; ``abaco_ops_evaluated_timestamp_seconds`` shows that a monitor stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import get_args

from engine.config import Deployment
from engine.config.monitoring import Verdict as VerdictWord
from engine.monitoring.model import ConditionReading, Evaluation

Labels = dict[str, str]
TIERS = ("warning", "critical", "rollback")
Sample = tuple[Labels, float]
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
END = "# EOF\n"
"""Ends what is sent as OpenMetrics; Prometheus takes it for a comment."""


def exposition(deployment: Deployment, evaluation: Evaluation) -> str:
    """The metrics of ``evaluation``, each with what it is, and no time stamps of their own."""
    conditions, alerts = evaluation.conditions, evaluation.alerts
    taken = sum(bool(alert.taken_by) for alert in alerts)
    families = [
        _family("evaluated_timestamp_seconds", "When the monitor judged last.", [({}, evaluation.at.timestamp())]),
        _family("cadence_seconds", "Between two samples.", [({}, evaluation.cadence)]),
        _family("verdict", "1 for the decision matrix's verdict, 0 for the others.", _verdict(evaluation)),
        _family("release_live", "1 for the release that is live.", _releases(deployment, evaluation)),
        _family("condition_value", "What a condition judges, in its unit.", _values(deployment, conditions)),
        _family("condition_firing", "1 while the tier fires.", _tiers(deployment, conditions)),
        _family("condition_known", "0 while the value is missing or too old to judge.", _known(conditions)),
        _family("kpi", "A published KPI of the live release.", _kpis(evaluation)),
        _family("alerts_open", "Alerts that are open.", [({}, len(alerts))]),
        _family("alerts_acknowledged", "Open alerts that somebody has taken.", [({}, taken)]),
        _family("hourly_validations_passed", "Hourly validations that passed.", [({}, evaluation.hourly.passed)]),
        _family("hourly_validations_due", "Hourly validations whose time has come.", [({}, evaluation.hourly.due)]),
        _family("disk_free_bytes", "Free for records.", _free(evaluation)),
        _family("cutover_timestamp_seconds", "When the cutover that is watched ended.", _cutover(evaluation)),
        _family("problems", "What the monitor cannot read or write.", [({}, len(evaluation.problems))]),
    ]
    return "".join(families)


def _family(name: str, what: str, samples: Iterable[Sample]) -> str:
    full = f"abaco_ops_{name}"
    lines = [f"{full}{_braced(labels)} {_number(value)}" for labels, value in samples if math.isfinite(value)]
    return "\n".join([f"# HELP {full} {what}", f"# TYPE {full} gauge", *lines, ""]) if lines else ""


def _braced(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{text.translate(_ESCAPED)}"' for name, text in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def _verdict(evaluation: Evaluation) -> list[Sample]:
    return [({"verdict": word}, evaluation.verdict.word == word) for word in get_args(VerdictWord)]


def _releases(deployment: Deployment, evaluation: Evaluation) -> list[Sample]:
    return [({"release": name}, evaluation.release == name) for name in deployment.releases]


def _values(deployment: Deployment, conditions: Iterable[ConditionReading]) -> list[Sample]:
    units = {name: condition.unit for name, condition in deployment.monitoring.conditions.items()}
    return [
        ({"condition": one.id, "unit": units.get(one.id, "")}, one.value)
        for one in conditions
        if one.value is not None and not one.stale
    ]


def _tiers(deployment: Deployment, conditions: Iterable[ConditionReading]) -> list[Sample]:
    known = deployment.monitoring.conditions
    return [
        ({"condition": one.id, "tier": tier}, one.firing == tier)
        for one in conditions
        if one.id in known
        for tier in TIERS
        if getattr(known[one.id], tier) is not None
    ]


def _known(conditions: Iterable[ConditionReading]) -> list[Sample]:
    return [({"condition": one.id}, one.value is not None and not one.stale) for one in conditions if one.needed]


def _kpis(evaluation: Evaluation) -> list[Sample]:
    return [
        ({"kpi": one.id, "unit": one.unit}, one.value)
        for one in evaluation.kpis
        if one.value is not None and not one.stale
    ]


def _free(evaluation: Evaluation) -> list[Sample]:
    free = evaluation.on_disk.free if evaluation.on_disk is not None else None
    return [] if free is None else [({}, free)]


def _cutover(evaluation: Evaluation) -> list[Sample]:
    return [] if evaluation.cutover_at is None else [({}, evaluation.cutover_at.timestamp())]
