"""``operations.own_steps`` of ``config/console.yml``: commands of the team's own, at a place in cutover or rollback."""

from typing import Literal

import msgspec

from engine.config.quantities import Duration

LAST_PHASE = {"cutover": 5, "rollback": 6}
"""Phases are counted from 0."""
NO_RETURN_IN = 4
"""The phase of a cutover that holds the new release's first start: what comes after it is never undone."""
BUILT_IN = frozenset(
    {
        "check_environment",
        "check_services",
        "check_health",
        "validate_old",
        "check_own_steps",
        "back_up_config",
        "snapshot_live",
        "test_new",
        "stage_new",
        "wait_for_go",
        "stop_old",
        "snapshot_final",
        "switch_config",
        "start_new",
        "hold_new",
        "prepare_way_back",
        "first_run",
        "verify_new",
        "validate_new",
        "choose_snapshot",
        "stop_new",
        "take_inventory",
        "restore_config",
        "restore_metrics",
        "start_old",
        "set_aside",
        "undo_own_steps",
        "verify_old",
        "record_incident",
        "tell_people",
    }
)
"""Names that the journal uses already; a test holds them against the steps themselves."""


class PlaceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it runs: ``before`` or ``after`` a phase, by its number."""

    before: int | None = None
    after: int | None = None


class OwnStepSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. Each command is a list without a shell, run in the deployment's directory; exit 0 is success."""

    name: str
    """Lower-case letters, digits and _; stands in the journal."""
    title: str
    operation: Literal["cutover", "rollback"]
    place: PlaceSection
    do: list[str]
    """Acts. Repeated on recovery when there is no ``verify``, so it must then be repeatable."""
    precheck: list[str] | None = None
    """Whether it could be done: asked before anything is touched, and again right before ``do``."""
    verify: list[str] | None = None
    """Whether its effect is there: asked after ``do``, and on recovery instead of doing it again."""
    undo: list[str] | None = None
    """Cutover only: puts back what ``do`` did; harmless when ``do`` got nowhere."""
    deadline: Duration | None = None
    """Longest time of each of its commands; then the whole process group is killed. None: ``command_deadline``."""
    needed: bool = True
    """Rollback only. False: a failure is a warning, and the rollback goes on."""
