"""The rollback: the new release stops, configuration and metrics are put back, the old release runs, nothing is lost.

Each step may find its work done already, by an earlier attempt that died or because the new release never started;
it looks first. Nothing here is undone: going on, or a person, is the only way from ``stop_new`` on.
"""

from __future__ import annotations

from engine.config.console import PhaseBudgets
from engine.operations import incident, rollback_inventory, rollback_prepare, rollback_restore, rollback_verify
from engine.operations.step import Step


def _budget(budgets: PhaseBudgets) -> float:
    return budgets.rollback


STEPS: tuple[Step, ...] = (
    Step(
        name="choose_snapshot",
        title="snapshot whole, its tree staged",
        phase="0 prepare",
        budget=_budget,
        do=rollback_prepare.choose_snapshot,
        probe=rollback_prepare.snapshot_ready,
    ),
    Step(
        name="stop_new",
        title="new release stops",
        phase="1 stop",
        budget=_budget,
        do=rollback_prepare.stop_new,
        probe=rollback_prepare.new_stopped,
        no_return=True,
    ),
    Step(
        name="take_inventory",
        title="everything live listed by hash",
        phase="1 stop",
        budget=_budget,
        do=rollback_inventory.take_inventory,
        probe=rollback_inventory.inventory_stands,
    ),
    Step(
        name="restore_config",
        title="old release's configuration active",
        phase="2 configuration",
        budget=_budget,
        do=rollback_restore.restore_config,
        verify=rollback_restore.config_must_be_old,
        probe=rollback_restore.config_is_old,
    ),
    Step(
        name="restore_metrics",
        title="snapshot's metrics swapped in",
        phase="3 metrics",
        budget=_budget,
        do=rollback_restore.restore_metrics,
        verify=rollback_restore.metrics_must_be_in_place,
        probe=rollback_restore.metrics_in_place,
    ),
    Step(
        name="start_old",
        title="old release starts",
        phase="4 start",
        budget=_budget,
        do=rollback_verify.start_old,
        probe=rollback_verify.old_runs,
    ),
    Step(
        name="set_aside",
        title="what the new one wrote set aside",
        phase="4 start",
        budget=_budget,
        do=rollback_restore.set_aside,
        probe=rollback_restore.is_set_aside,
    ),
    Step(
        name="verify_old",
        title="old release up, agrees with tape",
        phase="5 verify",
        budget=_budget,
        do=rollback_verify.verify_old,
        probe=rollback_verify.old_is_verified,
    ),
    Step(
        name="record_incident",
        title="nothing lost: proof, incident record",
        phase="6 document",
        budget=_budget,
        do=incident.record_incident,
    ),
    Step(
        name="tell_people",
        title="people to tell",
        phase="6 document",
        budget=_budget,
        do=incident.tell_people,
    ),
)
