"""What the monitor found at one tick: the evaluation that it appends and that every console reads.

Field names are those of the state's views; ``stale`` is what the monitor saw, a reader adds the age of the
evaluation itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from engine.monitoring.finite import require_finite
from engine.monitoring.standing import Standing

VerdictWord = Literal["ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"]
Level = Literal["ok", "W", "C", "stale", "missing"]

WEIGHT: tuple[VerdictWord, ...] = ("ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE")
"""The verdicts, heaviest first."""
TIERS: tuple[str, ...] = ("rollback", "critical", "warning")
"""The tiers of a condition, heaviest first."""


class Verdict(msgspec.Struct, frozen=True):
    """The word, why, what clears it and what makes it worse."""

    word: VerdictWord
    why: str
    clears: str
    worsens: str


class ConditionReading(msgspec.Struct, frozen=True):
    """One condition with its evidence."""

    id: str
    title: str
    level: Level
    firing: str
    """The heaviest firing tier: ``warning``, ``critical``, ``rollback``, or empty."""
    pending: str
    """The heaviest tier beyond its limit and not yet held, or empty."""
    value: float | None
    text: str
    held: float
    """Seconds (boot time) the value has been beyond the limit of the heaviest firing or pending tier."""
    hold: float
    """Seconds it has to be."""
    evidence: str
    """``warning fires: memory 204 MB, above 200 for 12m (144 values)``."""
    clears: str
    look_at: str
    run: tuple[str, ...]
    call: str
    observed_at: datetime | None
    stale: bool
    needed: bool = True
    """Whether a verdict needs it now; a needed one that is missing or stale makes UNKNOWN."""
    reason: str | None = None
    """Why it is missing or stale."""
    flapping: bool = False
    since: datetime | None = None
    """When the firing tier was entered (wall, a label)."""
    brief: str = ""
    """``204 MB, above 200 for 12m``."""


class MatrixRow(msgspec.Struct, frozen=True):
    """One row of the decision matrix."""

    verdict: VerdictWord
    active: bool
    evidence: str
    age: float | None
    """Seconds since the oldest evidence of the row was observed."""
    when: str
    action: str
    told: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    """Ids of the conditions that it rests on, the lead first."""


class KpiReading(msgspec.Struct, frozen=True):
    """One KPI as the running release published it."""

    id: str
    title: str
    value: float | None
    unheld: float | None
    unit: str
    decimals: int
    status: str
    """Business tier: ok, WARNING, CRITICAL, or undefined. No verdict on a release."""
    warning: float | None
    critical: float | None
    worse_when: str
    change: float | None
    change_from: str
    """What ``change`` is counted from: ``V1``, ``baseline`` or ``last run``."""
    trend: tuple[float, ...]
    owner: str
    reason: str | None
    observed_at: datetime | None
    stale: bool
    in_range: bool | None = None
    """Whether the value lies in the KPI's sanity range; None when it is undefined."""
    last: float | None = None
    """Its value on the tape before."""
    baseline: float | None = None
    """Its median over the old release's last runs before the cutover."""
    baseline_of: str = ""
    """``50 runs of v1``."""
    old_release: str = ""
    old_value: float | None = None
    """What the old release made of the same tape."""
    apart: float | None = None
    """Difference from it in %."""
    agreement: str = ""
    """Whether that counts as variance, in words; or why nothing can be said."""
    agrees: bool | None = None
    anomaly: str = ""
    """What is conspicuous about the present tape; no verdict on a release."""
    runs: tuple[float, ...] = ()
    """Values of the last runs, oldest first."""


class ResourceReading(msgspec.Struct, frozen=True):
    """One gauge; ``fraction`` is the way to the roll-back limit, 0 to 1."""

    id: str
    label: str
    value: float | None
    text: str
    fraction: float | None
    trend: tuple[float, ...]
    level: Level
    limit: str
    reason: str | None
    observed_at: datetime | None
    stale: bool
    note: str = ""
    """How it was measured: ``PSS of 3 processes``."""


class Criterion(msgspec.Struct, frozen=True):
    """One criterion of a decision point, as the records have it."""

    id: str
    title: str
    status: Literal["met", "not met", "unknown"]
    evidence: str
    at: datetime | None
    """When the evidence was observed; None: there is none."""
    so_far: bool = False
    """True: met as far as it goes; what it counts is not over yet."""


GateState = Literal["ahead", "due", "overdue", "extended", "go"]


class Gate(msgspec.Struct, frozen=True):
    """A decision point, and what it would fail on if it were now."""

    id: str
    title: str
    due_at: datetime
    would_fail_on: tuple[str, ...]
    unknown: tuple[str, ...]
    criteria: tuple[Criterion, ...] = ()
    state: GateState = "ahead"
    """``extended``: it was decided no-go, and is asked again at ``due_at``."""


class Hourly(msgspec.Struct, frozen=True):
    """The validations that run by themselves after a cutover."""

    passed: int
    due: int
    of: int
    next_at: datetime | None


class Baseline(msgspec.Struct, frozen=True):
    """Medians of the old release's last runs before the cutover."""

    release: str
    runs: int
    values: dict[str, float]
    recorded_at: datetime
    kpis: dict[str, float] = {}
    """The KPIs that these runs published, by their id."""


class Alert(msgspec.Struct, frozen=True):
    """A condition that fires, since when (wall, a label)."""

    condition: str
    level: Level
    text: str
    since: datetime
    id: str = ""
    """Of the alert book; empty: nobody was told of it (an operation runs, or it has only just begun)."""
    tier: str = ""
    priority: str = ""
    called: str = ""
    """The role that is called at the present level of escalation."""
    told: tuple[str, ...] = ()
    """The roles that were told."""
    told_at: datetime | None = None
    escalates_at: datetime | None = None
    """When it goes up a level unless somebody takes it; None: it does not."""
    escalates_to: str = ""
    taken_by: str = ""
    """Who owns it; empty: nobody has acknowledged it."""
    taken_until: datetime | None = None
    taken_reason: str = ""
    silenced_by: str = ""
    silenced_until: datetime | None = None
    silenced_reason: str = ""
    rings: bool = False
    """Whether open consoles ring for it: a P1 or P2 that nobody has taken, where a bell is routed to."""


class OnDisk(msgspec.Struct, frozen=True):
    """What the checklist takes from the disk: it cannot be asked later what it was."""

    free: int | None
    active: str
    active_hash: str
    staged_hash: str


class Evaluation(msgspec.Struct, frozen=True):
    """Everything the monitor knows at one tick."""

    v: int
    at: datetime
    boot: float
    boot_id: str
    pid: int
    cadence: float
    release: str | None
    release_reason: str
    verdict: Verdict
    conditions: tuple[ConditionReading, ...]
    matrix: tuple[MatrixRow, ...]
    kpis: tuple[KpiReading, ...]
    kpis_at: datetime | None
    """When the run that published them ended."""
    measurement_date: str | None
    resources: tuple[ResourceReading, ...]
    next_gate: Gate | None
    hourly: Hourly
    alerts: tuple[Alert, ...]
    baseline: Baseline | None
    cutover_at: datetime | None
    paging: bool
    """False during an operation: conditions are recorded and page nobody."""
    validation_running: bool
    problems: tuple[str, ...]
    """What the monitor could not read, with the reason."""
    operation: str = ""
    """The cutover or rollback that was under way; empty when none was."""
    waiting: str = ""
    """What values that need a run of the present process wait for; empty when they wait for nothing."""
    judged: str = ""
    """The release that the conditions are about, also where none is identified."""
    run_interval: float | None = None
    """Seconds between two runs, as they were taken to be."""
    data_loss: bool = False
    """Whether the newest validation found lost or altered data."""
    unjudged: tuple[ResourceReading, ...] = ()
    """What is measured and shown, and judged by no condition."""
    gates: tuple[Gate, ...] = ()
    """Every decision point whose time has come and that nobody decided, then the next one ahead."""
    standing: Standing | None = None
    """How the watch has gone since its cutover; None before one."""
    log_size: int | None = None
    """Bytes of the monitoring log before this tick's rows; None: not noted."""
    log_inode: int | None = None
    """Of which file: the log may be rotated. None: there was none."""
    on_disk: OnDisk | None = None
    monitor_since: float | None = None
    """Boot seconds when the monitor that made it began."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Evaluation)


def encode(evaluation: Evaluation) -> bytes:
    """As JSON. NotFinite: no reader could tell an infinity from nothing."""
    require_finite(evaluation, "evaluation")
    return _encoder.encode(evaluation)


def decode(data: bytes) -> Evaluation:
    """The inverse; msgspec.DecodeError when it is none."""
    return _decoder.decode(data)


ItemState = Literal["due", "overdue", "missed", "done", "overridden", "later", "closed"]


class ChecklistItem(msgspec.Struct, frozen=True):
    """One line of the checklist."""

    key: str
    """``<window>/<slot offset in s>/<task>``: what tick and override name."""
    slot: str
    """``T+7``, ``T+0:30``, ``before``."""
    title: str
    state: ItemState
    due_at: datetime | None
    measured: str
    """What the console measured, with its source; empty when a person has to answer."""
    measured_ok: bool | None
    who: str
    note: str
    gate: bool = False
    stale: bool = False
    """What was measured is from a monitor that measures nothing now."""
