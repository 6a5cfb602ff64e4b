"""``verify``: what the running release published last is there, unchanged, and agrees with its tape."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from engine.clock import boot_id
from engine.pipeline.answers import figures_json
from engine.pipeline.figures import Figures, Program, TapeUnreadable
from engine.pipeline.settings import Settings
from engine.pipeline.tape_file import open_tape
from engine.records import Record, records_from_end
from engine.records.counted import counted


def verify(settings: Settings, program: Program) -> tuple[str, list[str]]:
    """PASS, WARN or FAIL, and why. WARN: the tape itself is unreadable, and the last run said just that.

    Damaged run records after the last sound one are passed over with a WARN; older ones are not read.
    """
    record, damaged = _last_run(settings)
    warnings = [f"{counted(damaged, 'damaged line')} of {settings.runs.name} passed over"] if damaged else []
    if record is None:
        return "FAIL", [f"no run of {settings.release} is recorded", *warnings]
    status, issues = _judge(settings, program, record)
    return ("WARN" if status == "PASS" and warnings else status), [*issues, *warnings]


def _last_run(settings: Settings) -> tuple[Record | None, int]:
    """The newest sound run record of the release, and how many damaged lines came after it."""
    damaged = 0
    for record in records_from_end(settings.runs):
        if record is not None and record.get("release") == settings.release:
            return record, damaged
        damaged += record is None
    return None, damaged


def _judge(settings: Settings, program: Program, record: Record) -> tuple[str, list[str]]:
    if not _is_running(record.get("incarnation") or {}):
        return "FAIL", [f"the process that did the last run of {settings.release} is gone"]
    try:
        digest, figures = _recompute(settings, program)
    except TapeUnreadable as error:
        if record.get("status") == "failed":
            return "WARN", [f"the tape cannot be computed, and the last run says so: {error.what}"]
        return "FAIL", [f"the tape cannot be computed now: {error.what}"]
    if record.get("status") != "ok":
        return "FAIL", [f"the last run failed: {record.get('error')}"]
    if digest != record.get("tape_sha256"):
        return "FAIL", ["the tape has changed since the last run: wait for the next one"]
    problems = _output_problems(settings, record, figures)
    return ("FAIL", problems) if problems else ("PASS", [])


def _recompute(settings: Settings, program: Program) -> tuple[str, Figures]:
    with open_tape(settings.tape) as tape:
        figures = program.compute(tape.stream, tape.path.name, decimals=settings.decimals, between=lambda: None)
        tape.check_unchanged()
        return tape.sha256, figures


def _output_problems(settings: Settings, record: dict[str, Any], figures: Figures) -> list[str]:
    outputs = record.get("outputs") or []
    problems = [] if outputs else ["the last run recorded no outputs"]
    found = {Path(str(output["path"])).suffix[1:] for output in outputs}
    problems += [f"the last run wrote no {kind}" for kind in settings.formats if kind not in found]
    for output in outputs:
        path = settings.root / str(output["path"])
        try:
            data = path.read_bytes()
        except OSError as error:
            problems.append(f"{output['path']} cannot be read: {error.strerror}")
            continue
        if hashlib.sha256(data).hexdigest() != output["sha256"]:
            problems.append(f"{output['path']} is not what the run wrote")
        elif path.suffix == ".json":
            problems += _disagreements(json.loads(data), figures)
    return problems


def _disagreements(published: dict[str, Any], figures: Figures) -> list[str]:
    expected = json.loads(json.dumps(figures_json(figures)))
    return [
        f"{key} was published as {published.get(key)}, the tape gives {expected[key]}"
        for key in ("measurement_date", "rows", "kpis", "by")
        if published.get(key) != expected[key]
    ]


def _is_running(incarnation: dict[str, Any]) -> bool:
    if incarnation.get("boot_id") != boot_id():
        return False
    try:
        stat = Path(f"/proc/{int(incarnation['pid'])}/stat").read_text(encoding="utf-8", errors="replace")
    except (OSError, KeyError, ValueError):
        return False
    fields = stat.rpartition(")")[2].split()
    return fields[0] not in "ZX" and int(fields[19]) == incarnation.get("start_time")
