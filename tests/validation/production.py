"""A production of one's own for the tests: a deployment, a tape, and a release that publishes what a test wants."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import release_program

from engine.clock import compact, iso
from engine.config import Deployment, load_deployment
from engine.records import append_event, append_line
from engine.services.build import build_hash
from engine.validation.checks.data_integrity import check_integrity
from engine.validation.evidence import gather
from engine.validation.model import Check, Report
from engine.validation.run import Judged, run_validation

AMOUNTS = (
    *("total_receivable_usd", "total_eligible_usd", "discounted_balance_usd", "cash_available_usd"),
    *("dpd_0_7_usd", "dpd_7_30_usd", "dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"),
)
DATES = ("2025-11-30", "2025-12-31")


def loans(count: int = 30) -> list[dict[str, str]]:
    """A sound book of two month ends."""
    rows = []
    for date in DATES:
        for number in range(1, count + 1):
            total = 1000 + 13.37 * (number % 5)
            shares = (1, 0.95, 0.93, 0.12, 0.014, 0.011, 0.012 + 0.0001 * (number % 5), 0.007, 0.0032)
            amounts = {name: f"{total * share:.2f}" for name, share in zip(AMOUNTS, shares, strict=True)}
            rows.append({"loan_id": f"L{number:03d}", "measurement_date": date, **amounts})
    return rows


@dataclass
class Production:
    """What the validation finds. ``run`` publishes; ``validate`` judges, with time passing only when it waits."""

    deployment: Deployment
    clock: Any
    not_running: str = ""
    release: str = "v2"
    runs: list[dict[str, Any]] = field(default_factory=list)
    incarnation: dict[str, Any] | None = field(
        default_factory=lambda: {"pid": 4711, "start_time": 1, "boot_id": "a boot"}
    )

    @property
    def tape(self) -> Path:
        return self.deployment.tape

    def write_tape(self, rows: list[dict[str, str]], path: Path | None = None) -> Path:
        target = path or self.tape
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return target

    def use_program(self, faults: str, release: str = "v2") -> None:
        """Make the release's KPI program one with these faults (``none`` for a sound one)."""
        path = self.deployment.paths.release(release)
        program = str(Path(release_program.__file__))
        lines = [
            f"  kpi: {json.dumps([sys.executable, program, faults])}" if line.strip().startswith("kpi:") else line
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.deployment = load_deployment(self.deployment.root)

    def run(self, *, faults: str = "none", events: bool = True, **record: Any) -> dict[str, Any]:
        """One run of the release: outputs, events, run record; ``record`` overrides what is recorded."""
        run_id = f"run{len(self.runs):05d}"
        if events:
            self._event("run.started", run_id)
        self.clock.advance(0.2)
        trend = release_program.groups(str(self.tape), set(faults.split(",")))
        document = {"run_id": run_id, "release": self.release, **trend[-1], "by": trend}
        rows = sum(group["rows"] for group in trend)
        table = _table(run_id, trend)
        outputs = [
            self._output(f"kpis_{run_id}.json", json.dumps(document).encode()),
            self._output(f"kpis_{run_id}.csv", as_csv(table)),
            self._output(f"kpis_{run_id}.parquet", as_parquet(table)),
        ]
        if events:
            self._event("run.finished", run_id)
        entry = {
            "v": 1,
            "run_id": run_id,
            "release": self.release,
            "build": build_hash(self.deployment, self.release),
            "incarnation": self.incarnation,
            "started": iso(self.clock.wall),
            "ended": iso(self.clock.wall),
            "rows": rows,
            "errors": 0,
            "latency_ms": 0.65,
            "tape_sha256": hashlib.sha256(self.tape.read_bytes()).hexdigest(),
            "outputs": outputs,
            "audit_events": 2 if events else 0,
            "status": "ok",
            "error": None,
            **record,
        }
        append_line(self.deployment.paths.runs, entry)
        self.runs.append(entry)
        return entry

    def validate(self, **options: Any) -> Report:
        return run_validation(
            self.deployment,
            clock=self.clock,
            judged=lambda deployment, release: Judged(release or self.release, self.not_running),
            wait=options.pop("wait", self.clock.advance),
            **options,
        )

    def integrity(self) -> Check:
        """The one check, without the four others."""
        found = gather(self.deployment, self.release, self.not_running, self.tape, self.clock, self.clock.advance)
        return check_integrity(found)

    def output(self, suffix: str) -> Path:
        """An output of the newest run."""
        paths = [self.deployment.root / output["path"] for output in self.runs[-1]["outputs"]]
        return next(path for path in paths if path.suffix == suffix)

    def _event(self, kind: str, run_id: str) -> None:
        data: Mapping[str, Any] = {"run_id": run_id, "release": self.release}
        append_event(self.deployment.paths.events, kind, data, source="pipeline", clock=self.clock)

    def rewrite(self, suffix: str, change: Callable[[bytes], bytes]) -> None:
        """Change an output of the newest run as if the run had written that: its record has the new hash."""
        entry, path = self.runs[-1], self.output(suffix)
        path.write_bytes(change(path.read_bytes()))
        for output in entry["outputs"]:
            if output["path"].endswith(suffix):
                output |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        self.rewrite_record(entry)

    def rewrite_record(self, entry: dict[str, Any]) -> None:
        """Put ``entry`` in the place of the newest run record."""
        self.runs[-1] = entry
        lines = self.deployment.paths.runs.read_text().splitlines()
        self.deployment.paths.runs.write_text("\n".join([*lines[:-1], json.dumps(entry)]) + "\n")

    def configure(self, text: str) -> None:
        """Activate the release's configuration, its pipeline's settings replaced by ``text``."""
        own = self.deployment.paths.release(self.release).read_text(encoding="utf-8")
        active = self.deployment.active_config
        active.write_text(f"{own[: own.index('pipeline:')]}pipeline:\n  {text}\n", encoding="utf-8")

    def _output(self, name: str, data: bytes) -> dict[str, Any]:
        path = self.deployment.metrics / f"{compact(self.clock.wall)}_{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        relative = path.relative_to(self.deployment.root).as_posix()
        return {"path": relative, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _table(run_id: str, trend: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"run_id": run_id, "measurement_date": group["measurement_date"], "rows": group["rows"], "kpi": name, **kpi}
        for group in trend
        for name, kpi in group["kpis"].items()
    ]


def as_csv(table: list[dict[str, Any]]) -> bytes:
    """A published table as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def as_parquet(table: list[dict[str, Any]]) -> bytes:
    """A published table as Parquet."""
    texts = ("run_id", "measurement_date", "kpi", "unit", "reason")
    kinds = {"rows": pa.int64(), "value": pa.float64(), **dict.fromkeys(texts, pa.string())}
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(table, schema=pa.schema([(name, kinds[name]) for name in table[0]])), sink)
    return sink.getvalue()


def from_parquet(data: bytes) -> list[dict[str, Any]]:
    """The rows of a published Parquet."""
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


def statuses(report: Report) -> dict[str, str]:
    """The checks that are not PASS."""
    return {name: check.status for name, check in report.checks.items() if check.status != "PASS"}
