"""Views of what nobody has measured yet: missing, with the reason, never a zero and never OK."""

from __future__ import annotations

from datetime import datetime

from engine.config import Deployment
from engine.monitoring.model import KpiReading, MatrixRow
from engine.state.model import ValidationView, VerdictView, WayBackView


def no_verdict(why: str, clears: str, observed_at: datetime | None = None) -> VerdictView:
    """UNKNOWN, because ``why``."""
    return VerdictView("UNKNOWN", why, clears, "", observed_at, True)


def no_way_back(deployment: Deployment, build: str, reason: str, observed_at: datetime | None = None) -> WayBackView:
    """Not ready, because ``reason``."""
    return WayBackView(deployment.console.releases.old, build, False, reason, None, observed_at, None, True)


def no_validation() -> ValidationView:
    """Nothing was validated yet."""
    return ValidationView("NOT RUN", None, True, (), (), "", False)


def no_kpis(deployment: Deployment, reason: str) -> tuple[KpiReading, ...]:
    """Every configured KPI, missing."""
    return tuple(
        KpiReading(
            id=name,
            title=kpi.title,
            value=None,
            unheld=None,
            unit=kpi.unit,
            decimals=kpi.decimals,
            status="undefined",
            warning=kpi.warning,
            critical=kpi.critical,
            worse_when=kpi.worse_when,
            change=None,
            change_from="",
            trend=(),
            owner=kpi.owner,
            reason=reason,
            observed_at=None,
            stale=True,
        )
        for name, kpi in deployment.kpis.kpis.items()
    )


def matrix_of_unknown(deployment: Deployment, evidence: str, age: float | None) -> tuple[MatrixRow, ...]:
    """The configured rows; only UNKNOWN is active, because ``evidence``."""
    return tuple(
        MatrixRow(
            verdict=row.verdict,
            active=row.verdict == "UNKNOWN",
            evidence=evidence if row.verdict == "UNKNOWN" else "not judged",
            age=age if row.verdict == "UNKNOWN" else None,
            when=row.when,
            action=row.action,
            told=tuple(row.told),
        )
        for row in deployment.monitoring.matrix
    )
