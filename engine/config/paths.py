"""Where a deployment keeps its files: every name the engine reads or writes, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SEAL = "COMPLETE"
"""The file in a snapshot that is written last: without it the snapshot does not count."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of the deployment at ``root`` (absolute)."""

    root: Path

    @property
    def config(self) -> Path:
        """The configuration's directory."""
        return self.root / "config"

    def release(self, name: str) -> Path:
        """The staged file of a release."""
        return self.config / "releases" / f"{name}.yml"

    @property
    def logs(self) -> Path:
        """Records and their renderings."""
        return self.root / "logs"

    @property
    def events(self) -> Path:
        """The audit trail."""
        return self.logs / "events.jsonl"

    @property
    def runs(self) -> Path:
        """What the pipeline wrote about each of its runs."""
        return self.logs / "runs.jsonl"

    @property
    def shadow(self) -> Path:
        """What the old release computed of each tape after the cutover, kept aside."""
        return self.logs / "shadow.jsonl"

    @property
    def samples(self) -> Path:
        """Measured series (SQLite)."""
        return self.logs / "samples.db"

    @property
    def monitoring_log(self) -> Path:
        """One row per check, for people."""
        return self.logs / "monitoring.log"

    @property
    def rollback_log(self) -> Path:
        """What rollbacks did, for people."""
        return self.logs / "rollback.log"

    @property
    def validation_report(self) -> Path:
        """The newest validation report."""
        return self.root / "production_validation_report.json"

    @property
    def validations(self) -> Path:
        """Every validation in one line."""
        return self.logs / "validations.jsonl"

    @property
    def console_log(self) -> Path:
        """When a console stood still, for those who mend it."""
        return self.logs / "console.log"

    @property
    def notifications_log(self) -> Path:
        """What people were told by the channel ``log``."""
        return self.logs / "notifications.log"

    @property
    def rollback(self) -> Path:
        """Everything the way back needs."""
        return self.root / ".rollback"

    @property
    def operations(self) -> Path:
        """One directory per operation."""
        return self.rollback / "operations"

    def operation(self, operation_id: str) -> Path:
        """The directory of one operation, e.g. ``0003-cutover``."""
        return self.operations / operation_id

    @property
    def operation_lock(self) -> Path:
        """Held by a running cutover or rollback; never unlinked."""
        return self.rollback / "operation.lock"

    @property
    def consoles(self) -> Path:
        """One small file for each open console that may write."""
        return self.rollback / "consoles"

    @property
    def left(self) -> Path:
        """One small file for each person: when they were last seen at a console."""
        return self.rollback / "left"

    @property
    def snapshots(self) -> Path:
        """One directory per snapshot."""
        return self.rollback / "snapshots"

    def seal(self, snapshot_id: str) -> Path:
        """The seal of one snapshot."""
        return self.snapshots / snapshot_id / SEAL

    @property
    def staged(self) -> Path:
        """Trees staged for the way back, ready to be exchanged."""
        return self.rollback / "staged"

    @property
    def proven_reads(self) -> Path:
        """What the last proof of the way back had read, and when; no operation relies on it."""
        return self.rollback / "proven_reads.json"

    @property
    def services(self) -> Path:
        """State, lock and output of the embedded services."""
        return self.rollback / "services"

    @property
    def monitor_reserve(self) -> Path:
        """Room that was taken beforehand for what the monitor must remember while the disk is full."""
        return self.logs / "monitor.reserve"

    @property
    def monitor_lock(self) -> Path:
        """Held by the one monitor."""
        return self.rollback / "monitor.lock"

    @property
    def decision_lock(self) -> Path:
        """Held while a decision at a gate is checked and recorded."""
        return self.rollback / "decision.lock"

    @property
    def proof_lock(self) -> Path:
        """Held while the way back is looked at and what was found is recorded."""
        return self.rollback / "proof.lock"
