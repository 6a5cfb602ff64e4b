"""The shipped KPI definitions."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from engine.config.kpis import KpiConfig
from engine.portfolio.plan import Plan, plan_of

SHIPPED = Path(__file__).parents[2] / "config" / "kpis.yml"


@pytest.fixture(scope="session")
def kpis() -> KpiConfig:
    return msgspec.convert(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")), KpiConfig, strict=False)


@pytest.fixture(scope="session")
def plan(kpis: KpiConfig) -> Plan:
    return plan_of(kpis)
