"""Where a deployment keeps its files: every name the engine reads or writes, in one place."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import msgspec

from engine.errors import Refused
from engine.records.harmless import harmless, is_text

SEAL = "COMPLETE"
"""The file in a snapshot that is written last: without it the snapshot does not count."""


class Paths(msgspec.Struct, frozen=True, dict=True):
    """The files of the deployment at ``root`` (absolute).

    Each name is made once: a console asks for dozens of them every second.
    """

    root: Path

    @cached_property
    def config(self) -> Path:
        """The configuration's directory."""
        return self.root / "config"

    def release(self, name: str) -> Path:
        """The staged file of a release."""
        return self.config / "releases" / f"{name}.yml"

    @cached_property
    def logs(self) -> Path:
        """Records and their renderings."""
        return self.root / "logs"

    @cached_property
    def events(self) -> Path:
        """The audit trail."""
        return self.logs / "events.jsonl"

    @cached_property
    def runs(self) -> Path:
        """What the pipeline wrote about each of its runs."""
        return self.logs / "runs.jsonl"

    @cached_property
    def shadow(self) -> Path:
        """What the old release computed of each tape after the cutover, kept aside."""
        return self.logs / "shadow.jsonl"

    @cached_property
    def samples(self) -> Path:
        """Measured series (SQLite)."""
        return self.logs / "samples.db"

    @cached_property
    def monitoring_log(self) -> Path:
        """One row per check, for people."""
        return self.logs / "monitoring.log"

    @cached_property
    def rollback_log(self) -> Path:
        """What rollbacks did, for people."""
        return self.logs / "rollback.log"

    @cached_property
    def validation_report(self) -> Path:
        """The newest validation report."""
        return self.root / "production_validation_report.json"

    @cached_property
    def validations(self) -> Path:
        """Every validation in one line."""
        return self.logs / "validations.jsonl"

    @cached_property
    def console_log(self) -> Path:
        """When a console stood still, for those who mend it."""
        return self.logs / "console.log"

    @cached_property
    def notifications_log(self) -> Path:
        """What people were told by the channel ``log``."""
        return self.logs / "notifications.log"

    @cached_property
    def rollback(self) -> Path:
        """Everything the way back needs."""
        return self.root / ".rollback"

    @cached_property
    def operations(self) -> Path:
        """One directory per operation."""
        return self.rollback / "operations"

    def operation(self, operation_id: str) -> Path:
        """The directory of one operation, e.g. ``0003-cutover``."""
        return self.operations / operation_id

    @cached_property
    def operation_lock(self) -> Path:
        """Held by a running cutover or rollback; never unlinked."""
        return self.rollback / "operation.lock"

    @cached_property
    def consoles(self) -> Path:
        """One small file for each open console that may write."""
        return self.rollback / "consoles"

    @cached_property
    def left(self) -> Path:
        """One small file for each person: when they were last seen at a console."""
        return self.rollback / "left"

    @cached_property
    def snapshots(self) -> Path:
        """One directory per snapshot."""
        return self.rollback / "snapshots"

    def seal(self, snapshot_id: str) -> Path:
        """The seal of one snapshot."""
        return self.snapshots / snapshot_id / SEAL

    @cached_property
    def staged(self) -> Path:
        """Trees staged for the way back, ready to be exchanged."""
        return self.rollback / "staged"

    @cached_property
    def proven_reads(self) -> Path:
        """What the last proof of the way back had read, and when; no operation relies on it."""
        return self.rollback / "proven_reads.json"

    @cached_property
    def services(self) -> Path:
        """State, lock and output of the embedded services."""
        return self.rollback / "services"

    @cached_property
    def monitor_reserve(self) -> Path:
        """Room that was taken beforehand for what the monitor must remember while the disk is full."""
        return self.logs / "monitor.reserve"

    @cached_property
    def monitor_lock(self) -> Path:
        """Held by the one monitor."""
        return self.rollback / "monitor.lock"

    @cached_property
    def decision_lock(self) -> Path:
        """Held while a decision at a gate is checked and recorded."""
        return self.rollback / "decision.lock"

    @property
    def proof_lock(self) -> Path:
        """Held while the way back is looked at and what was found is recorded."""
        return self.rollback / "proof.lock"


def paths_below(root: Path) -> Paths:
    """The files of the deployment at ``root``. Refused where its name is no UTF-8, which every record is."""
    whole = root.resolve()
    if not is_text(whole):
        raise Refused(f"{harmless(whole)} has a name that is no UTF-8", "rename the directory, or give another one")
    return Paths(whole)
