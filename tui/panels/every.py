"""Every panel of the dashboard, by its name."""

from __future__ import annotations

from tui.kept import Draw
from tui.panels import checklist, events, kpis, log, matrix, operation, resources, validation

PANELS: dict[str, Draw] = {
    "kpis": kpis.draw,
    "matrix": matrix.draw,
    "resources": resources.draw,
    "checklist": checklist.draw,
    "validation": validation.draw,
    "operation": operation.draw,
    "events": events.draw,
    "log": log.draw,
}
