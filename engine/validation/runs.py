"""What the pipeline recorded about its runs, and what the newest one really published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.config import Deployment, Paths
from engine.errors import DamagedRecord, OpsError
from engine.records import harmless, read_lines, records_from_end
from engine.records.undecodable import UNDECODABLE


class Output(msgspec.Struct, frozen=True):
    """One file that a run wrote, below the deployment's root."""

    path: str
    sha256: str
    bytes: int


class Run(msgspec.Struct, frozen=True):
    """One line of ``runs.jsonl``: the run record of the release contract."""

    run_id: str
    release: str
    started: datetime
    ended: datetime
    status: str
    rows: int
    errors: int = 0
    build: str | None = None
    latency_ms: float | None = None
    tape_sha256: str | None = None
    outputs: tuple[Output, ...] = ()
    audit_events: int = 0
    error: str | None = None
    incarnation: dict[str, Any] | None = None
    """The process that ran, told apart from any other: pid, start time, boot."""

    @property
    def ok(self) -> bool:
        """Whether it published."""
        return self.status == "ok"


class NotPublished(OpsError):
    """What a run recorded as published is not there, or is not what it wrote."""


def read_runs(paths: Paths) -> list[Run]:
    """Every run, oldest first. DamagedRecord when a line is no run record."""
    runs = []
    for number, record in enumerate(read_lines(paths.runs), start=1):
        try:
            runs.append(msgspec.convert(record, Run, strict=False))
        except msgspec.ValidationError as error:
            raise DamagedRecord(
                f"{paths.runs}, record {number}, is no run record: {error}", "see docs/release_contract.md"
            ) from error
    return runs


def newest_run(paths: Paths, release: str) -> Run | None:
    """The newest run of a release whose record can be read; reads no more than that takes. OSError."""
    for record in records_from_end(paths.runs):
        try:
            run = msgspec.convert(record, Run, strict=False)
        except msgspec.ValidationError:
            continue
        if run.release == release:
            return run
    return None


@dataclass(frozen=True, slots=True)
class SoundRuns:
    """The runs whose records are sound, oldest first, and what is damaged between them."""

    runs: tuple[Run, ...]
    damage: str
    """How many lines are no run records, in words; empty when all are."""
    after_damage: int
    """How many runs are recorded after the last damaged line: of older ones, one may be missing in between."""


def sound_runs(paths: Paths) -> SoundRuns:
    """Every run whose record can be read. OSError when the file cannot."""
    runs: list[Run] = []
    damaged, after = 0, 0
    for record in records_from_end(paths.runs):
        try:
            runs.append(msgspec.convert(record, Run, strict=False))
        except msgspec.ValidationError:
            damaged += 1
            after = after if damaged > 1 else len(runs)
    damage = f"{paths.runs}: {damaged} of {damaged + len(runs)} lines are no run records" if damaged else ""
    return SoundRuns(tuple(reversed(runs)), damage, after if damaged else len(runs))


def of_release(runs: Sequence[Run], release: str) -> list[Run]:
    """The runs of one release, oldest first."""
    return [run for run in runs if run.release == release]


def read_output(deployment: Deployment, output: Output) -> bytes:
    """The bytes of an output, proven to be those that the run wrote. NotPublished otherwise."""
    shown, path = harmless(output.path), _place(deployment, output)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotPublished(f"{shown} was published and cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != output.sha256:
        raise NotPublished(f"{shown} is not what the run wrote: its hash differs from the recorded one")
    return data


def find_output(deployment: Deployment, output: Output) -> None:
    """Whether an output is there in its size, without reading it. NotPublished otherwise."""
    shown, path = harmless(output.path), _place(deployment, output)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise NotPublished(f"{shown} was published and cannot be read: {error.strerror}") from error
    if size != output.bytes:
        raise NotPublished(f"{shown} is not what the run wrote: it has {size:,} bytes, {output.bytes:,} are recorded")


def _place(deployment: Deployment, output: Output) -> Path:
    path = (deployment.root / output.path).resolve()
    if not path.is_relative_to(deployment.root):
        raise NotPublished(f"{harmless(output.path)} lies outside the deployment")
    return path


def published(deployment: Deployment, run: Run) -> dict[str, Any]:
    """The JSON that a run published. NotPublished when it has none, or not the recorded one, or of another run."""
    found = [output for output in run.outputs if output.path.endswith(".json")]
    if not found:
        raise NotPublished(f"run {harmless(run.run_id, 40)} recorded no JSON output")
    try:
        document = msgspec.json.decode(read_output(deployment, found[0]), type=dict[str, Any])
    except UNDECODABLE as error:
        raise NotPublished(f"{harmless(found[0].path)} is no JSON: {error}") from error
    if document.get("run_id") != run.run_id:
        raise NotPublished(f"{harmless(found[0].path)} is of run {harmless(document.get('run_id'), 40)}")
    return document
