"""The cutover: six phases, each step doing and verifying what its name says.

Up to ``start_new`` every step is undone when one fails, and the old release runs. From ``start_new`` on nothing is
undone by itself: the new release may have published, so a person decides, and the way back is offered.
"""

from __future__ import annotations

from engine.operations import cutover_after, cutover_backup, cutover_checks, cutover_switch
from engine.operations.step import Step

STEPS: tuple[Step, ...] = (
    Step(
        name="check_environment",
        title="tape, programs, disk, places to write",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.check_environment,
        undo=cutover_switch.start_old_again,
    ),
    Step(
        name="check_services",
        title="old release live, new one not running",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.check_services,
    ),
    Step(
        name="check_health",
        title="old release's own check",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.check_health,
    ),
    Step(
        name="validate_old",
        title="five checks on the old release",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.validate_old,
    ),
    Step(
        name="back_up_config",
        title="configuration and status copied",
        phase="1 backup",
        budget=lambda budgets: budgets.backup,
        do=cutover_backup.back_up_config,
        probe=cutover_backup.config_backed_up,
    ),
    Step(
        name="snapshot_live",
        title="snapshot while the old release runs",
        phase="1 backup",
        budget=lambda budgets: budgets.backup,
        do=cutover_backup.snapshot_live,
        probe=cutover_backup.live_snapshot_good,
        undo=cutover_backup.drop_unsealed,
    ),
    Step(
        name="test_new",
        title="new release's own tests",
        phase="2 staging",
        budget=lambda budgets: budgets.staging,
        do=cutover_checks.test_new,
    ),
    Step(
        name="stage_new",
        title="new release's KPIs on three tapes",
        phase="2 staging",
        budget=lambda budgets: budgets.staging,
        do=cutover_checks.stage_new,
    ),
    Step(
        name="stop_old",
        title="old release stops, its words kept",
        phase="3 shutdown",
        budget=lambda budgets: budgets.shutdown,
        do=cutover_switch.stop_old,
        probe=cutover_switch.old_stopped,
        undo=cutover_switch.start_old_again,
    ),
    Step(
        name="snapshot_final",
        title="final snapshot, for a rollback",
        phase="3 shutdown",
        budget=lambda budgets: budgets.shutdown,
        do=cutover_backup.snapshot_final,
        probe=cutover_backup.final_snapshot_good,
        undo=cutover_backup.drop_unsealed,
    ),
    Step(
        name="switch_config",
        title="new release's configuration active",
        phase="4 activation",
        budget=lambda budgets: budgets.activation,
        do=cutover_switch.switch_config,
        verify=cutover_switch.config_must_be_new,
        probe=cutover_switch.config_is_new,
        undo=cutover_switch.switch_config_back,
    ),
    Step(
        name="start_new",
        title="new release's first start",
        phase="4 activation",
        budget=lambda budgets: budgets.activation,
        do=cutover_switch.start_new,
        probe=cutover_switch.new_runs,
        no_return=True,
    ),
    Step(
        name="hold_new",
        title="new release stays up",
        phase="4 activation",
        budget=lambda budgets: budgets.activation,
        do=cutover_switch.hold_new,
    ),
    Step(
        name="prepare_way_back",
        title="way back staged, verified, proven",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.prepare_way_back,
    ),
    Step(
        name="first_run",
        title="new release ran, wrote, left events",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.first_run,
    ),
    Step(
        name="verify_new",
        title="new release's own check",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.verify_new,
    ),
    Step(
        name="validate_new",
        title="five checks on the new release",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.validate_new,
    ),
)
