"""How far two releases are apart on the same input, by the rule of the facts: relatively and beyond rounding."""

from __future__ import annotations

import math
from typing import Any

from engine.config import Deployment
from engine.validation.agreement import variance
from engine.validation.model import Findings
from engine.validation.program import Answer

CONDITION = "KPIV"


def judge_variance(
    deployment: Deployment, names: tuple[str, str], answers: tuple[Answer, Answer], where: str, findings: Findings
) -> None:
    """Put the variance of every KPI into ``findings``: WARN beyond the warning limit, FAIL beyond the critical one."""
    condition = deployment.monitoring.conditions[CONDITION]
    decimals = (deployment.releases[names[0]].decimals, deployment.releases[names[1]].decimals)
    percents = findings.figures.setdefault("percent", {})
    for name in deployment.kpis.kpis:
        old, new = _value(answers[0], name), _value(answers[1], name)
        if old is None or new is None:
            if old is not new:
                findings.fail(f"{where}: {name} is defined by one of {names[0]} and {names[1]} only")
            continue
        apart = variance(old, new, decimals, deployment.monitoring.variance.absolute)
        percents[f"{where}: {name}"] = apart.percent if math.isfinite(apart.percent) else 100.0
        told = f"{where}: {name} is {old:g} in {names[0]} and {new:g} in {names[1]}, {apart.percent:.2g} % apart"
        if condition.critical is not None and apart.beyond(condition.critical.enter):
            findings.fail(f"{told}, more than {condition.critical.enter:g} %")
        elif condition.warning is not None and apart.beyond(condition.warning.enter):
            findings.warn(f"{told}, more than {condition.warning.enter:g} %")


def _value(answer: Answer, name: str) -> float | None:
    kpi: Any = answer["kpis"].get(name)
    value = kpi.get("value") if isinstance(kpi, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
