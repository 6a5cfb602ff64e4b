"""The files that a report rests on, each with the sha256 of what it held at the report's moment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.clock import compact, parse_iso
from engine.config import Deployment
from engine.errors import OpsError
from engine.records import Record, harmless
from engine.records.atomic import open_to_read
from engine.records.lines import decode
from engine.reports.span import Span

BLOCK = 1 << 20
OF_OPERATION = ("journal.jsonl", "plan.json", "incident.json")


@dataclass(frozen=True, slots=True)
class Cited:
    """One file as evidence. ``sha256`` is empty where ``note`` says why."""

    path: str
    sha256: str
    bytes: int
    note: str = ""


def cited(
    deployment: Deployment, span: Span, events: Sequence[Record], operations: Iterable[str], problems: list[str]
) -> tuple[Cited, ...]:
    """Journals, manifests, validation reports, logs and configuration, by name; growing files up to the moment."""
    paths, found = deployment.paths, list[Cited]()
    growing: tuple[tuple[Path, Callable[[bytes], bool]], ...] = (
        (paths.events, _until(span.end, "at")),
        (paths.runs, _until(span.end, "ended")),
        (paths.shadow, _until(span.end, "at")),
        (paths.monitoring_log, _rows_until(span.end)),
    )
    for path, belongs in growing:
        found += _one(deployment, path, problems, belongs)
    for name in operations:
        for part in OF_OPERATION:
            found += _one(deployment, paths.operation(name) / part, problems)
    for path in _named(deployment, span, events):
        found += _one(deployment, path, problems)
    for path in (
        deployment.active_config,
        *sorted(paths.config.glob("*.yml")),
        *sorted(paths.config.glob("releases/*.yml")),
    ):
        found += _one(deployment, path, problems)
    return tuple({item.path: item for item in found}.values())


def sha256_of_part(path: Path, belongs: Callable[[bytes], bool] | None = None) -> tuple[str, int]:
    """The hash and the size of a file, or of its lines up to the last that belongs. OSError; no link is followed."""
    digest, size, held = hashlib.sha256(), 0, b""
    with open_to_read(path) as stream:
        if belongs is None:
            while data := stream.read(BLOCK):
                digest.update(data)
                size += len(data)
            return digest.hexdigest(), size
        for line in stream:
            held += line
            if belongs(line):
                digest.update(held)
                size += len(held)
                held = b""
    return digest.hexdigest(), size


def _one(
    deployment: Deployment, path: Path, problems: list[str], belongs: Callable[[bytes], bool] | None = None
) -> list[Cited]:
    name = harmless(os.path.relpath(path, deployment.root), 200)
    try:
        digest, size = sha256_of_part(path, belongs)
    except FileNotFoundError:
        return []
    except (OSError, OpsError) as error:
        problems.append(harmless(f"{name}: {error}"))
        return [Cited(name, "", 0, "cannot be read")]
    return [Cited(name, digest, size, "up to the moment" if belongs else "")]


def _named(deployment: Deployment, span: Span, events: Sequence[Record]) -> list[Path]:
    """Validation reports that events name, operation logs of the stretch, manifests of snapshots."""
    found = []
    begin, end = compact(span.begin), compact(span.end)
    for event in events:
        name = event["data"].get("report") if event.get("kind") == "validation.finished" else None
        if isinstance(name, str) and _inside(deployment, deployment.root / name):
            found += [deployment.root / name] if Path(name).name[11:26] >= begin else []
    logs = deployment.paths.logs
    found += sorted(path for path in logs.glob("cutover_*.log") if begin <= path.name[8:23] <= end)
    found += [deployment.paths.rollback_log, *sorted(logs.glob("monitoring_*.log"))]
    return found + sorted(
        path for path in deployment.paths.snapshots.glob("*/manifest.json") if path.parent.name.isdigit()
    )


def _inside(deployment: Deployment, path: Path) -> bool:
    return os.path.normpath(path).startswith(f"{deployment.paths.logs}{os.sep}")


def _until(end: datetime, key: str) -> Callable[[bytes], bool]:
    def belongs(line: bytes) -> bool:
        try:
            return parse_iso(str(decode(line)[key])) <= end
        except (KeyError, ValueError):
            return False

    return belongs


def _rows_until(end: datetime) -> Callable[[bytes], bool]:
    """Rows of the monitoring log up to the minute of ``end``; a date line stands before the rows of its day."""
    day, last = [""], (f"{end:%Y-%m-%d}", f"{end:%H:%M}")

    def belongs(line: bytes) -> bool:
        text = line.decode("utf-8", "replace").rstrip("\n")
        if len(text) == 10 and text.replace("-", "").isdigit():
            day[0] = text
            return text <= last[0]
        row = text[:5]
        return not row.replace(":", "").isdigit() or (day[0], row) <= last

    return belongs
