"""``config/console.yml``: the deployment, its paths, its cadences and what an operation may take."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.config.own_steps import OwnStepSection
from engine.config.quantities import Duration, Size

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class DeploymentSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who this deployment is."""

    name: str
    """Shown on the screen and written into manifests: a snapshot of another deployment is refused."""
    title: str
    environment: str
    """The word in the environment band: PROD, STAGING, DEMO."""
    demo: bool = False
    """True only where drills may break things."""
    group: str | None = None
    """Unix group that shares the files; null keeps each writer's own."""
    read_only: bool = False
    """True: every console here only looks."""


class ReleasePair(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"old": "from", "new": "to"}):
    """The two releases, by the name of their file in ``config/releases/``."""

    old: str
    new: str


class ServicesSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What runs the services of the releases, and the operations."""

    backend: Literal["embedded", "systemd"] = "embedded"
    """embedded: small daemons of abaco-ops; systemd: units of the system's manager."""
    operation_unit: str | None = None
    """The template unit whose instance carries out an operation, such as ``abaco-ops-operation@.service``; null: a
    process of its own, of whoever asks for it."""
    monitor_unit: str | None = None
    """The unit of the monitor, such as ``abaco-ops-monitor.service``; null: consoles start one where none runs."""


class PathsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the pipeline's files are, relative to the deployment's root."""

    active_config: str
    tape: str
    reference_tape: str
    metrics: str


class SnapshotSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot holds and how many are kept."""

    covers: list[str]
    """Directories and files beside the active configuration that a rollback restores."""
    not_covered: list[str]
    """What the pipeline writes and no snapshot restores: named in plan and record."""
    keep: Count


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of cadences and deadlines (seconds)."""

    sample: Duration
    pipeline_run: Duration | None
    """Expected time between two runs; null: as scheduled, and RUN is judged by ``run_late_after`` only."""
    verify_hold: Duration
    """A started service must stay up this long."""
    stop_deadline: Duration
    """Time a service has to stop by itself before it is killed."""
    command_deadline: Duration
    """Each external command."""
    first_run: Duration
    """Longest wait for the first run of a release that was just started."""
    prove_way_back: Duration
    min_free: Size
    """Free disk below which a cutover does not begin."""
    reread_way_back: Duration | None = None
    """A proof reads a file of snapshot or staged tree again when it changed, or was read longer ago than this; null or
    absent: a day."""
    shadow: Duration | None = None
    """After a cutover the old release computes a changed tape in the shadow, not more often than this; null or
    absent (a configuration from before it must not bar the way back): as often as the way back is proven."""

    @property
    def reread_every(self) -> float:
        """Seconds after which a proof reads everything again."""
        return 86400.0 if self.reread_way_back is None else float(self.reread_way_back)

    @property
    def shadow_every(self) -> float:
        """Seconds between two shadow runs at least."""
        return float(self.prove_way_back if self.shadow is None else self.shadow)


class PhaseBudgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Longest time of each cutover phase (0 to 5) and of a whole rollback."""

    pre_cutover: Duration
    backup: Duration
    staging: Duration
    shutdown: Duration
    activation: Duration
    post_cutover: Duration
    rollback: Duration


class OperationsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What cutover and rollback may take and need."""

    budgets: PhaseBudgets
    own_steps: list[OwnStepSection] = []
    """Commands of the team's own, before or after a phase of cutover or rollback."""


class ConsoleSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the consoles on this deployment look and behave."""

    theme: str = "dark"
    """dark, light, wall, high-contrast, or the name of a file in ``config/themes/``."""
    arm_writes_over_ssh: Duration | None = None
    """How long one arming of a console over SSH lasts, before which it does not write; never for a rollback; null: none
    is needed."""
    cell_differ: bool = True
    """Send the terminal only the cells that changed; false: what Textual sends."""


class ConsoleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config/console.yml``."""

    version: Literal[1]
    deployment: DeploymentSection
    releases: ReleasePair
    paths: PathsSection
    snapshot: SnapshotSection
    profile: str
    profiles: dict[str, Profile]
    time_scale: Positive
    """Divides holds and slots for a rehearsal; the screen says so when it is not 1."""
    stale_after: Positive
    """A value is stale after this many sample cadences."""
    operations: OperationsSection
    console: ConsoleSection = ConsoleSection()
    services: ServicesSection = ServicesSection()

    @property
    def cadence(self) -> Profile:
        """The profile in force."""
        return self.profiles[self.profile]
