"""The shipped KPI definitions."""

from __future__ import annotations

import pytest

from engine.config import Deployment
from engine.config.kpis import KpiConfig


@pytest.fixture
def kpis(deployment: Deployment) -> KpiConfig:
    return deployment.kpis
