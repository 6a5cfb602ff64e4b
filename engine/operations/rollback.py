"""The rollback: the new release stops, configuration and metrics are put back, the old release runs, nothing is lost.

Each step may find its work done already, by an earlier attempt that died or because the new release never started;
it looks first. Nothing here is undone: going on, or a person, is the only way from ``stop_new`` on.
"""

from __future__ import annotations

from engine.config.console import PhaseBudgets
from engine.operations import incident, rollback_prepare, rollback_restore, rollback_verify
from engine.operations.step import Step


def _budget(budgets: PhaseBudgets) -> float:
    return budgets.rollback


STEPS: tuple[Step, ...] = (
    Step(
        name="choose_snapshot",
        title="the snapshot is whole, the tree to swap in is staged",
        phase="0 prepare",
        budget=_budget,
        do=rollback_prepare.choose_snapshot,
    ),
    Step(
        name="stop_new",
        title="the new release stops, surely",
        phase="1 stop",
        budget=_budget,
        do=rollback_prepare.stop_new,
        probe=rollback_prepare.new_stopped,
        no_return=True,
    ),
    Step(
        name="take_inventory",
        title="everything that is live now, by hash",
        phase="1 stop",
        budget=_budget,
        do=rollback_prepare.take_inventory,
    ),
    Step(
        name="restore_config",
        title="the old release's configuration is the active one",
        phase="2 configuration",
        budget=_budget,
        do=rollback_restore.restore_config,
        verify=rollback_restore.config_must_be_old,
        probe=rollback_restore.config_is_old,
    ),
    Step(
        name="restore_metrics",
        title="the metrics of the snapshot are swapped in",
        phase="3 metrics",
        budget=_budget,
        do=rollback_restore.restore_metrics,
        verify=rollback_restore.metrics_must_be_in_place,
        probe=rollback_restore.metrics_in_place,
    ),
    Step(
        name="start_old",
        title="the old release starts",
        phase="4 start",
        budget=_budget,
        do=rollback_verify.start_old,
        probe=rollback_verify.old_runs,
    ),
    Step(
        name="set_aside",
        title="what the new release wrote becomes a side snapshot",
        phase="4 start",
        budget=_budget,
        do=rollback_restore.set_aside,
        probe=rollback_restore.is_set_aside,
    ),
    Step(
        name="verify_old",
        title="the old release stays up, ran, and agrees with the tape",
        phase="5 verify",
        budget=_budget,
        do=rollback_verify.verify_old,
    ),
    Step(
        name="record_incident",
        title="proof that nothing is lost, incident record",
        phase="6 document",
        budget=_budget,
        do=incident.record_incident,
    ),
    Step(
        name="tell_people",
        title="whom to tell",
        phase="6 document",
        budget=_budget,
        do=incident.tell_people,
    ),
)
