"""The whole state of a deployment at one moment, as console, ``status --json`` and reports show it.

Measured values carry ``observed_at`` and ``stale``; a missing one is None with a ``reason``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from engine.monitoring.model import ChecklistItem, ConditionReading, Gate, KpiReading, MatrixRow, ResourceReading
from engine.operations.lock import Holder
from engine.operations.model import Operation
from engine.operations.watchers import Watcher
from engine.services.protocol import ServiceState
from engine.state.alert_views import AlertView, DrillView, UpdateView
from engine.state.gate_standing import GateStanding

VerdictWord = Literal["ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"]
Phase = Literal["BEFORE", "CUTOVER", "BAKE", "STABILISE", "STEADY", "GOING BACK TO V1", "BACK ON V1"]
CheckStatus = Literal["PASS", "WARN", "FAIL", "ERROR", "NOT RUN"]
HANGS = "the monitor does not get on"
"""What a verdict rests on where a monitor holds its lock and samples nothing."""


class ReleaseView(msgspec.Struct, frozen=True):
    """One release as installed."""

    name: str
    build: str
    """First 6 digits of its build hash."""
    config_hash: str
    """First 6 digits of its staged configuration's sha256."""
    service: str
    service_state: ServiceState
    pid: int | None
    decimals: int


class VerdictView(msgspec.Struct, frozen=True):
    """The word of row 1, and row 2: why, what clears it, when it worsens."""

    word: VerdictWord
    why: str
    clears: str
    worsens: str
    observed_at: datetime | None
    stale: bool


class WayBackView(msgspec.Struct, frozen=True):
    """Row 3: could we go back now, how long would it take, what says so and since when."""

    release: str
    build: str
    ready: bool
    reason: str
    """Why it is not ready; empty when it is."""
    seconds: float | None
    """As ``basis`` measured it; None: nothing ever did."""
    proven_at: datetime | None
    """When a real snapshot was examined last, by a proof or a rehearsal."""
    snapshot: str | None
    stale: bool
    basis: str = ""
    """What ``seconds`` rests on: ``rolled back``, ``rehearsed`` or ``proven``, whichever was last; empty: nothing."""
    basis_at: datetime | None = None
    note: str = ""
    """Worth knowing though it is ready: a newer snapshot that is refused, a rehearsal that failed."""
    read_at: datetime | None = None
    """Every byte of snapshot and staged tree was read then or later."""


class ShadowView(msgspec.Struct, frozen=True):
    """What the old release computes of the live tape while the new one runs: what readers would get."""

    release: str
    observed_at: datetime
    values: dict[str, float | None]
    reason: str
    """Why there are no values; empty when there are."""
    current: bool
    """Whether the live tape is still the one that was computed."""
    stale: bool = False


class WatchView(msgspec.Struct, frozen=True):
    """Who holds the watch."""

    holder: str | None
    since: datetime | None
    stale: bool = False
    """The audit trail cannot be read: it may be somebody else by now."""


class HandOver(msgspec.Struct, frozen=True):
    """For whoever takes the watch next."""

    notes: tuple[str, ...] = ()
    """Notes since the watch was taken, the newest last."""
    done: tuple[str, ...] = ()
    """What people did since then, operations and services with it, in words, the newest last."""
    silences: tuple[str, ...] = ()
    """What is silenced now, until when, by whom and why."""


class CheckView(msgspec.Struct, frozen=True):
    """One of the five checks of a validation."""

    name: str
    status: CheckStatus
    summary: str


class ValidationView(msgspec.Struct, frozen=True):
    """The newest validation."""

    status: CheckStatus
    observed_at: datetime | None
    stale: bool
    checks: tuple[CheckView, ...]
    issues: tuple[str, ...]
    report: str
    running: bool
    release: str = ""
    """The release that was validated; empty when none was."""


class ChecklistView(msgspec.Struct, frozen=True):
    """The checklist around now."""

    hourly_passed: int
    hourly_due: int
    items: tuple[ChecklistItem, ...]
    stale: bool = False
    """The monitor measures nothing now: what it measured is shown as it was, and marked."""


class MonitorView(msgspec.Struct, frozen=True):
    """The monitor itself."""

    running: bool
    pid: int | None
    observed_at: datetime | None
    stale: bool
    reason: str


class State(msgspec.Struct, frozen=True):
    """Everything at one moment."""

    at: datetime
    root: str
    deployment: str
    title: str
    environment: str
    demo: bool
    time_scale: float
    sample_cadence: float
    user: str
    host: str
    release: str | None
    """The release whose identified process runs and whose configuration is active; else None."""
    release_reason: str
    releases: tuple[ReleaseView, ...]
    """Old, then new."""
    phase: Phase
    cutover_at: datetime | None
    verdict: VerdictView
    way_back: WayBackView
    watch: WatchView
    next_gate: Gate | None
    kpis: tuple[KpiReading, ...]
    kpis_at: datetime | None
    resources: tuple[ResourceReading, ...]
    conditions: tuple[ConditionReading, ...]
    matrix: tuple[MatrixRow, ...]
    checks: ValidationView
    checklist: ChecklistView
    operation: Operation | None
    """The running or unresolved operation."""
    last_operation: Operation | None
    alerts: tuple[AlertView, ...]
    log: tuple[str, ...]
    """The last rows of the monitoring log."""
    events: tuple[str, ...]
    """The last events, in words."""
    monitor: MonitorView
    problems: tuple[str, ...]
    """What could not be read, with its reason."""
    holder: Holder | None = None
    """Who operates now; None when nobody does."""
    watchers: tuple[Watcher, ...] = ()
    """The other consoles that are open, the longest first."""
    shadow: ShadowView | None = None
    """The old release's newest shadow run; None when there was none."""
    update: UpdateView | None = None
    """The status updates; None while no cutover is watched."""
    contacts: dict[str, str] = {}
    """Contacts by their name in the configuration: role, name, how to reach them."""
    unjudged: tuple[ResourceReading, ...] = ()
    """What is measured and shown, and judged by no condition: threads, open files, disk I/O."""
    gates: tuple[GateStanding, ...] = ()
    """Every decision point of the watch; none while no cutover is watched."""
    hand_over: HandOver = HandOver()
    """What the holder of the watch has written down since it was taken."""
    drill: DrillView | None = None
    """The drill that runs, or that is over and has not been put right yet."""
    active_hash: str = ""
    """First 6 digits of the active configuration's sha256; empty where it cannot be read."""
    newer: str = ""
    """That a newer abaco-ops works here, in words: then nothing is written from here. Empty: none does."""


def same_but_for_time(before: State | None, state: State) -> bool:
    """Whether a state says what the one before it said, only at another moment."""
    return state is before or (before is not None and msgspec.structs.replace(state, at=before.at) == before)
