"""What a run leaves in ``data/metrics``: every file written aside, synced, then renamed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.pipeline.answers import figures_json
from engine.pipeline.figures import Figures
from engine.records import make_directory, write_file

_FIELDS = ("run_id", "release", "build", "measurement_date", "rows", "kpi", "value", "unit", "reason")


@dataclass(frozen=True, slots=True)
class Run:
    """Who publishes: stands in every output."""

    run_id: str
    release: str
    build: str


def publish(directory: Path, stem: str, formats: tuple[str, ...], run: Run, figures: Figures) -> list[Path]:
    """Write the outputs of one run and return them. OSError when the disk refuses one."""
    make_directory(directory)
    written = []
    for kind in sorted(formats, key=("json", "csv", "parquet").index):
        path = directory / f"{stem}.{kind}"
        write_file(path, _RENDER[kind](run, figures))
        written.append(path)
    return written


def described(root: Path, paths: list[Path]) -> list[dict[str, Any]]:
    """Path below ``root``, hash and size of each output, read back from the disk."""
    outputs = []
    for path in paths:
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        outputs.append({"path": path.relative_to(root).as_posix(), "sha256": digest, "bytes": len(data)})
    return outputs


def remove_old(directory: Path, release: str, keep: int) -> None:
    """Keep the newest ``keep`` runs of this release; what other releases wrote is not touched."""
    stems = sorted({path.stem for path in directory.glob(f"kpis_{release}_*.*")})
    for stem in stems[: max(len(stems) - keep, 0)]:
        for kind in _RENDER:
            (directory / f"{stem}.{kind}").unlink(missing_ok=True)


def remove_unfinished(directory: Path, release: str) -> None:
    """What a killed run of this release wrote aside and never renamed."""
    for path in directory.glob(f".kpis_{release}_*.tmp"):
        path.unlink(missing_ok=True)


def _as_json(run: Run, figures: Figures) -> bytes:
    head = {"run_id": run.run_id, "release": run.release, "build": run.build}
    return json.dumps({**head, **figures_json(figures)}, indent=1).encode() + b"\n"


def _as_csv(run: Run, figures: Figures) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_table(run, figures))
    return text.getvalue().encode()


def _as_parquet(run: Run, figures: Figures) -> bytes:
    import pyarrow as pa  # loaded when the first file is due, not while the service starts
    import pyarrow.parquet as pq

    kinds = {"rows": pa.int64(), "value": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in _FIELDS])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(_table(run, figures)), schema=schema), sink)
    return sink.getvalue()


def _table(run: Run, figures: Figures) -> Iterator[dict[str, Any]]:
    for group in figures.groups:
        for name, kpi in group.kpis.items():
            row = (run.run_id, run.release, run.build, group.measurement_date, group.rows, name)
            yield dict(zip(_FIELDS, (*row, kpi.value, kpi.unit, kpi.reason), strict=True))


_RENDER = {"parquet": _as_parquet, "csv": _as_csv, "json": _as_json}
