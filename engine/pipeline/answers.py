"""The JSON in which figures are published and in which the KPI program answers."""

from __future__ import annotations

from typing import Any

from engine.pipeline.figures import Figures, Group, Kpi


def kpi_json(kpi: Kpi) -> dict[str, Any]:
    """One KPI."""
    answer: dict[str, Any] = {"value": kpi.value, "unit": kpi.unit, "reason": kpi.reason}
    if kpi.unheld is not None:
        answer["unheld"] = kpi.unheld
    return answer


def group_json(group: Group) -> dict[str, Any]:
    """One measurement date."""
    return {
        "measurement_date": group.measurement_date,
        "rows": group.rows,
        "kpis": {name: kpi_json(kpi) for name, kpi in group.kpis.items()},
    }


def figures_json(figures: Figures) -> dict[str, Any]:
    """The KPIs of now, and under ``by`` those of every date."""
    return {**group_json(figures.latest), "by": [group_json(group) for group in figures.groups]}
