"""What an operation is going to do, written down before it is confirmed: sheet, dry run and worker share it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from engine.records.form import VERSION

Mark = Literal["ok", "--", "no"]
READY = "ready"
"""The line of evidence that says whether a cutover is ready; who makes a plan for a person adds it."""
LIVE = "live"
"""The line of evidence that says which release is live, where that speaks for or against a plan."""


class Evidence(msgspec.Struct, frozen=True):
    """One line a person decides on: ``ok``, ``--`` (worth knowing), or ``no`` (it is refused)."""

    mark: Mark
    name: str
    text: str


class KeyChange(msgspec.Struct, frozen=True):
    """One configuration key that will differ; None where the key is absent."""

    key: str
    now: str | None
    then: str | None


class PlannedStep(msgspec.Struct, frozen=True):
    """One step as it will run."""

    name: str
    title: str
    phase: str
    no_return: bool = False
    own: str = ""
    """What one's own step runs, for people; empty for the steps of abaco-ops itself."""


class OwnStep(msgspec.Struct, frozen=True, kw_only=True):
    """One's own step as it stood in ``config/console.yml`` when the plan was made; see ``own_steps`` there."""

    name: str
    title: str
    operation: Literal["cutover", "rollback"]
    before: int | None
    after: int | None
    do: tuple[str, ...]
    precheck: tuple[str, ...]
    verify: tuple[str, ...]
    undo: tuple[str, ...]
    """Commands with their places not yet filled in; empty where there is none."""
    deadline: float
    """Of each command (s)."""
    needed: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Facts for the sheet, and what the worker is held to. Hashes are full sha256 in hex."""

    kind: Literal["validate", "cutover", "rollback"]
    release_from: str
    release_to: str
    build_from: str
    build_to: str
    config_now: str
    """sha256 of the active configuration file."""
    config_then: str
    """sha256 of what will be the active configuration file."""
    changes: tuple[KeyChange, ...] = ()
    snapshot: str | None = None
    """Rollback: the snapshot it restores. Cutover: None, it takes fresh ones."""
    snapshot_at: datetime | None = None
    snapshot_files: int = 0
    snapshot_bytes: int = 0
    sets_aside_runs: int = 0
    sets_aside_files: int = 0
    sets_aside_bytes: int = 0
    """What the new release wrote and a rollback keeps in a side snapshot."""
    not_covered: tuple[str, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    expected_seconds: float | None = None
    basis: str
    """Hash of what the plan was made from; the worker refuses when it has changed."""
    rests_on: dict[str, str] = {}
    """What the plan was made from, part by part, so that what has changed can be named."""
    made_at: datetime
    abort_only: bool = False
    """Rollback before the new release ever started: metrics are not touched."""
    takes_over: str | None = None
    """The running cutover that a rollback ends first."""
    resumes: str | None = None
    """The unfinished operation that this one goes on with."""
    closes: tuple[str, ...] = ()
    """Unfinished cutovers that this rollback puts right."""
    hold: bool = False
    """A cutover that waits before phase 3 until it is told to go."""
    config_kept: str = ""
    """sha256 of the staged configuration of the release that is left."""
    own_steps: tuple[OwnStep, ...] = ()
    """One's own steps; a cutover also keeps those that would lead back."""
    undoes: tuple[OwnStep, ...] = ()
    """Rollback: the own steps of ``undoes_of`` that have an undo, run if the new release never started."""
    undoes_of: str = ""
    lock_holder: str = ""
    """Who operates now; a plan with it set ends in exit code 5."""

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it cannot be done; empty when it can."""
        return tuple(item.text for item in self.evidence if item.mark == "no")

    @property
    def needless(self) -> str:
        """Rollback: why there is nothing to roll back; empty when there is something."""
        against = (item.text for item in self.evidence if item.name == LIVE and item.mark == "no")
        return next(against, "") if self.kind == "rollback" else ""

    @property
    def unready(self) -> str:
        """What its readiness says against a cutover, which a person may overrule; empty: nothing."""
        return next((item.text for item in self.evidence if item.name == READY and item.mark != "ok"), "")


class Orders(msgspec.Struct, frozen=True):
    """``plan.json``: the plan, who gave it, and what they allowed."""

    operation: str
    plan: Plan
    actor: str
    origin: str
    reason: str
    accept_warn: tuple[str, ...] = ()
    scheduled: bool = False
    force: bool = False
    """The verified worker of whoever holds the lock is ended."""
    v: int = VERSION
