"""The checklist of a deployment as it stands now, read from its records once."""

from __future__ import annotations

import sqlite3

from engine.clock import Clock
from engine.config import Deployment
from engine.monitoring.checklist import Moment, items, of_facts
from engine.monitoring.facts import Facts, fold
from engine.monitoring.grounds import GroundsReader
from engine.monitoring.kept import begin
from engine.monitoring.model import ChecklistItem, Evaluation
from engine.monitoring.store import SampleStore
from engine.operations.evidence import build_or_nothing


def read_board(deployment: Deployment, clock: Clock) -> tuple[ChecklistItem, ...]:
    """Every line, in order of time. DamagedRecord when the audit trail cannot be read."""
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        begun = begin(deployment.paths.events, store)
    finally:
        store.close()
    facts = fold(fold(Facts(), begun.records), begun.tail.new_records())
    moment = Moment(
        now=clock.now().wall,
        **of_facts(facts),  # type: ignore[arg-type]
        evaluation=newest_fresh(deployment, clock),
        release=deployment.console.releases.new,
        time_scale=deployment.console.time_scale,
        grounds=GroundsReader(deployment).read(build_or_nothing(deployment, deployment.console.releases.old)),
        change_percent=float(deployment.kpis.anomaly.change_percent),
    )
    return items(deployment.checklist, moment)


def newest_fresh(deployment: Deployment, clock: Clock) -> Evaluation | None:
    """The newest evaluation, unless it is stale: nothing is filled in from a monitor that stopped."""
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        found = store.newest_evaluation()
    except sqlite3.Error:
        return None
    finally:
        store.close()
    patience = deployment.console.cadence.sample * deployment.console.stale_after
    if found is None or (clock.now().wall - found.at).total_seconds() > patience:
        return None
    return found
