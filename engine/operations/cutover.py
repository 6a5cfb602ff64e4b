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
        title="tape, programs, disk and every place that is written to",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.check_environment,
    ),
    Step(
        name="check_services",
        title="the old release is live, the new one is not running",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.check_services,
    ),
    Step(
        name="check_health",
        title="the old release's own check of what it published",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.check_health,
    ),
    Step(
        name="validate_old",
        title="the five checks on what the old release published",
        phase="0 pre-cutover",
        budget=lambda budgets: budgets.pre_cutover,
        do=cutover_checks.validate_old,
    ),
    Step(
        name="back_up_config",
        title="copy of the active configuration, status of the old release",
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
        title="the new release's own tests",
        phase="2 staging",
        budget=lambda budgets: budgets.staging,
        do=cutover_checks.test_new,
    ),
    Step(
        name="stage_new",
        title="the new release's KPIs on live, reference and odd tapes",
        phase="2 staging",
        budget=lambda budgets: budgets.staging,
        do=cutover_checks.stage_new,
    ),
    Step(
        name="stop_old",
        title="the old release stops, surely; its last words are kept",
        phase="3 shutdown",
        budget=lambda budgets: budgets.shutdown,
        do=cutover_switch.stop_old,
        probe=cutover_switch.old_stopped,
        undo=cutover_switch.start_old_again,
    ),
    Step(
        name="snapshot_final",
        title="snapshot of what the old release left: a rollback restores this one",
        phase="3 shutdown",
        budget=lambda budgets: budgets.shutdown,
        do=cutover_backup.snapshot_final,
        probe=cutover_backup.final_snapshot_good,
        undo=cutover_backup.drop_unsealed,
    ),
    Step(
        name="switch_config",
        title="the new release's configuration becomes the active one",
        phase="4 activation",
        budget=lambda budgets: budgets.activation,
        do=cutover_switch.switch_config,
        verify=cutover_switch.config_must_be_new,
        probe=cutover_switch.config_is_new,
        undo=cutover_switch.switch_config_back,
    ),
    Step(
        name="start_new",
        title="the new release starts for the first time",
        phase="4 activation",
        budget=lambda budgets: budgets.activation,
        do=cutover_switch.start_new,
        probe=cutover_switch.new_runs,
        no_return=True,
    ),
    Step(
        name="hold_new",
        title="the new release stays up",
        phase="4 activation",
        budget=lambda budgets: budgets.activation,
        do=cutover_switch.hold_new,
    ),
    Step(
        name="prepare_way_back",
        title="the way back is staged, verified and proven",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.prepare_way_back,
    ),
    Step(
        name="first_run",
        title="the new release ran, wrote its output and its audit events",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.first_run,
    ),
    Step(
        name="verify_new",
        title="the new release's own check of what it published",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.verify_new,
    ),
    Step(
        name="validate_new",
        title="the five checks on what the new release published",
        phase="5 post-cutover",
        budget=lambda budgets: budgets.post_cutover,
        do=cutover_after.validate_new,
    ),
)
