"""``config/monitoring.yml``: conditions in tiers, the decision matrix, people and how they are told."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.config.metrics import MetricsSection
from engine.config.notify import Also, DeadManSection, NotifySection, SilencesSection, UpdatesSection, Wait
from engine.config.prometheus import PrometheusSection
from engine.config.quantities import Duration, Size

Verdict = Literal["ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"]


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One limit of a condition."""

    enter: float
    """Beyond this value the tier is entered."""
    hold: Duration = msgspec.field(default_factory=Duration)
    """It fires after the value was beyond ``enter`` for this long."""
    clear: float | None = None
    """It clears on the good side of this value; null: ``sustained.clear_percent`` of ``enter``."""
    clear_hold: Duration | None = None
    """It must have been there for this long; null: the shorter of ``hold`` and ``sustained.clear_hold``."""
    runs: Annotated[int, Meta(ge=1)] = 1
    """It also needs this many runs of the pipeline beyond ``enter``."""
    at_once_with_data_loss: bool = False
    """True: it waits neither for ``hold`` nor for ``runs`` while the newest validation finds lost or altered data."""


class SustainedSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a limit counts as held, for every condition."""

    least_samples: Annotated[int, Meta(ge=1, le=1000)]
    """With more than that, what it holds for would be decided by it alone, and a fault would fire hours late."""
    least_share: Annotated[float, Meta(gt=0, le=1)]
    clear_percent: Annotated[float, Meta(gt=0, le=100)]
    clear_hold: Duration
    grace: Duration
    """Nothing new fires for this long after a suspend or a step of the clock."""
    flapping_edges: Annotated[int, Meta(ge=2)]
    flapping_window: Duration


class Playbook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person does when the condition fires."""

    look_at: str
    run: list[str]
    call: str


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One watched metric with its tiers."""

    title: str
    metric: str
    unit: str
    worse_when: Literal["higher", "lower"]
    per: Literal["sample", "run", "event"]
    """What delivers the values: the sampling cadence, each pipeline run, or single events."""
    target: str
    warning: Tier | None = None
    critical: Tier | None = None
    rollback: Tier | None = None
    inclusive: bool = False
    """True: reaching the limit is enough (counts, levels)."""
    of_baseline: bool = False
    """True: the value is judged in % of the recorded baseline."""
    decimals: int = 0
    words: dict[str, str] = {}
    """For levels: the word of each value, as text."""
    playbook: Playbook | None = None


class MatrixRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the decision matrix."""

    verdict: Verdict
    when: str
    action: str
    told: list[str]
    action_silent: str = "the monitor runs: see why {release} is silent, abaco-ops service status {release}"
    """Instead of ``action``, where the monitor is well and the release alone gives no values (or none is live)."""


class LogErrors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Error rates need attempts: below ``minimum_attempts`` in ``window`` the rate is LOW VOLUME."""

    window: Duration
    minimum_attempts: int


class GrowthSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Over what time growth is measured."""

    window: Duration
    skip: Duration
    """The first time of a process, which does not count."""


class RestartsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Over what time restarts are counted."""

    window: Duration


class BaselineSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many runs of the old release make a baseline."""

    runs: Annotated[int, Meta(ge=1)]
    least: Annotated[int, Meta(ge=1)]


class DiskSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rollback needs at least."""

    least_need: Size


class VarianceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When V1 and V2 differ on the same input."""

    absolute: float
    """Percentage points that a difference must exceed, besides half a unit of each last decimal."""


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to call; ``reach`` is what a person at night needs (phone, channel)."""

    role: str
    name: str
    reach: str


class EscalationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Levels from first to last, and how long each priority may stay unacknowledged."""

    levels: list[str]
    acknowledge_within: dict[str, Duration]
    priorities: dict[str, str] = msgspec.field(
        default_factory=lambda: {"rollback": "P1", "critical": "P1", "unknown": "P2", "warning": "P3"}
    )
    """Tier -> priority; ``unknown``: a value that the verdict needs is missing."""
    waits: list[Wait] = []
    also: list[Also] = []
    rolled_back: list[str] = []
    """Who is told at once that a rollback was performed; empty: the row ROLL BACK."""
    rollback_failed: list[str] = []
    """Who is told besides when a rollback needs a person, or a cutover stopped half-way; empty: the last level."""


class MonitoringConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config/monitoring.yml``."""

    version: Literal[1]
    sustained: SustainedSection
    conditions: dict[str, Condition]
    errors: LogErrors
    growth: GrowthSection
    restarts: RestartsSection
    baseline: BaselineSection
    disk: DiskSection
    variance: VarianceSection
    matrix: list[MatrixRow]
    contacts: dict[str, Contact]
    escalation: EscalationSection
    notify: NotifySection = msgspec.field(default_factory=NotifySection)
    updates: UpdatesSection = msgspec.field(default_factory=UpdatesSection)
    dead_man: DeadManSection | None = None
    metrics: MetricsSection = msgspec.field(default_factory=MetricsSection)
    prometheus: PrometheusSection | None = None
    silences: SilencesSection = msgspec.field(default_factory=SilencesSection)
