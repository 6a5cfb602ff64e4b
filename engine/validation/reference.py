"""The reference tape against what the configuration documents for it: known before a cutover asks the new release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.config import Deployment
from engine.portfolio.results import Group
from engine.validation.parts import Asked, NotRun, Question


@dataclass(frozen=True, slots=True)
class Reference:
    """What the configured formulas make of the reference tape."""

    rows: int
    documented: int
    """How many KPIs have an expected value."""
    wrong: tuple[str, ...]
    """A sentence per KPI that is undefined, or not what is documented."""


def reference_tape(deployment: Deployment) -> Path:
    """Where it has to be."""
    return deployment.root / deployment.console.paths.reference_tape


def examine_reference(deployment: Deployment) -> Reference:
    """Compute it by the formulas of ``kpis.yml`` alone: no program of a release is asked. TapeUnreadable."""
    from engine.portfolio.streamed import compute_streamed

    group = compute_streamed(reference_tape(deployment), deployment.kpis, hashed=False).latest
    wrong = (*(f"{name} is undefined: {kpi.reason}" for name, kpi in group.kpis.items() if kpi.value is None),)
    return Reference(group.rows, len(deployment.kpis.reference.expected), (*wrong, *not_documented(deployment, group)))


def not_documented(deployment: Deployment, group: Group) -> tuple[str, ...]:
    """A sentence per defined KPI of the reference tape that differs from what is documented for it."""
    reference = deployment.kpis.reference
    return tuple(
        f"{name} of the reference is {kpi.value:.4f}, {reference.expected[name]:g} is documented"
        for name, kpi in group.kpis.items()
        if kpi.value is not None
        and name in reference.expected
        and abs(kpi.value - reference.expected[name]) > reference.tolerance + 1e-9
    )


def reference_question(deployment: Deployment) -> Question:
    """A warning: it says nothing against what was published, and a cutover would come to nothing in phase 2."""
    title = "the reference tape gives what is documented"
    return Question("reference", title, "warn", lambda: _asked(deployment))


def _asked(deployment: Deployment) -> Asked:
    from engine.portfolio.unreadable import TapeUnreadable

    if not reference_tape(deployment).exists():
        raise NotRun(f"there is no {deployment.console.paths.reference_tape}; a cutover needs it in phase 2")
    limit = f"within {deployment.kpis.reference.tolerance:g} of reference.expected in kpis.yml"
    try:
        found = examine_reference(deployment)
    except TapeUnreadable as error:
        return Asked("", limit, issues=(error.what,))
    passed = f"{found.documented} KPIs as documented, {found.rows:,} rows"
    return Asked(passed, limit, len(found.wrong), len(deployment.kpis.kpis), issues=found.wrong)
