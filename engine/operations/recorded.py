"""What a release recorded as published, held against what is really there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from engine.clock import parse_iso
from engine.config import Deployment
from engine.operations.configuration import parsed
from engine.records import Record, sound_records
from engine.records.counted import counted


class Output(msgspec.Struct, frozen=True):
    """One file that a run says it published; the path is relative to the deployment's root."""

    path: str
    sha256: str


class Recorded(msgspec.Struct, frozen=True):
    """The runs of a release that published something, oldest first."""

    runs: tuple[tuple[Output, ...], ...]
    problem: str = ""
    """Why this may not be all; empty when every line could be read."""

    def outputs(self) -> list[Output]:
        """Everything that was published."""
        return [output for run in self.runs for output in run]

    def due(self, keep: int | None) -> list[Output]:
        """What must still be there when a release keeps the files of its newest ``keep`` runs (None: of all)."""
        runs = self.runs if keep is None else self.runs[-keep:]
        return [output for run in runs for output in run]


def recorded(deployment: Deployment, release: str, since: datetime | None = None) -> Recorded:
    """What the release published, according to its run records. Never raises: damage is passed over, and said."""
    path = deployment.paths.runs
    if not path.exists():
        return Recorded((), f"{path.name} is not there")
    try:
        records, damaged = sound_records(path)
    except OSError as error:
        return Recorded((), f"{path.name} cannot be read: {error.strerror}")
    of_it = [record for record in records if record.get("release") == release and _began_after(record, since)]
    runs = tuple(outputs for record in of_it if (outputs := _outputs(record)))
    return Recorded(runs, f"{counted(damaged, 'damaged line')} in {path.name} passed over" if damaged else "")


def keep_runs(configuration: bytes) -> int | None:
    """How many runs' files a release keeps, by its own configuration; None where it does not say."""
    pipeline = parsed(configuration).get("pipeline")
    keep = pipeline.get("keep_runs") if isinstance(pipeline, dict) else None
    return keep if isinstance(keep, int) and keep > 0 else None


def _outputs(record: Record) -> tuple[Output, ...]:
    found: Any = record.get("outputs")
    outputs: Iterable[Any] = found if isinstance(found, list) else ()
    return tuple(
        Output(str(output["path"]), str(output["sha256"]))
        for output in outputs
        if isinstance(output, dict) and "path" in output and "sha256" in output
    )


def _began_after(record: Record, since: datetime | None) -> bool:
    if since is None:
        return True
    try:
        return parse_iso(str(record.get("started"))) >= since
    except ValueError:
        return True
