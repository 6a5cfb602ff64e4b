"""``config/monitoring.yml``: conditions in tiers, the decision matrix, people and how they are told."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.config.quantities import Duration

Verdict = Literal["ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"]


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One limit of a condition."""

    enter: float
    """Beyond this value the tier is entered."""
    hold: Duration = Duration(0)
    """It fires after the value was beyond ``enter`` for this long."""
    clear: float | None = None
    """It clears on the good side of this value; null: 95 % of ``enter``."""
    runs: Annotated[int, Meta(ge=1)] = 1
    """It also needs this many runs of the pipeline beyond ``enter``."""


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


class LogErrors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Error rates need attempts: below ``minimum_attempts`` in ``window`` the rate is LOW VOLUME."""

    window: Duration
    minimum_attempts: int


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


class MonitoringConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config/monitoring.yml``."""

    version: Literal[1]
    conditions: dict[str, Condition]
    errors: LogErrors
    variance: VarianceSection
    matrix: list[MatrixRow]
    contacts: dict[str, Contact]
    escalation: EscalationSection
