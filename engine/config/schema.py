"""JSON Schema of the configuration files, for editors that complete and check YAML while it is written."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.config.checklist import ChecklistConfig
from engine.config.console import ConsoleConfig
from engine.config.kpis import KpiConfig
from engine.config.monitoring import MonitoringConfig
from engine.config.quantities import Duration, Size
from engine.config.release import ReleaseConfig

SCHEMAS: dict[str, type[msgspec.Struct]] = {
    "console": ConsoleConfig,
    "kpis": KpiConfig,
    "monitoring": MonitoringConfig,
    "checklist": ChecklistConfig,
    "release": ReleaseConfig,
}


def schema(name: str) -> dict[str, Any]:
    """The schema of ``config/<name>.yml`` (``release``: of the files in ``config/releases/``). KeyError otherwise."""
    return msgspec.json.schema(SCHEMAS[name], schema_hook=_quantity)


def _quantity(kind: type) -> dict[str, Any]:
    if kind in (Duration, Size):
        return {"type": ["string", "number"], "description": kind.expected}
    raise NotImplementedError(kind)
