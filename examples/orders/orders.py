"""A pipeline of one's own: what abaco-ops asks of a release, on an order desk. Two releases: "paper" and "press".

    python orders.py serve  --release paper --root DIR     runs until SIGTERM, a run every few seconds
    python orders.py kpi    --release paper TAPE...        one JSON line for each tape
    python orders.py test   --release paper                exit 0: it computes what it should
    python orders.py verify --release paper --root DIR     exit 0: the last run fits the tape
    python orders.py tape DIR                              writes data/raw/orders.csv and the reference

Nothing here comes from abaco-ops but the two functions that append a record and an event to its files. The service
reads its settings from config/pipeline.yml, which a cutover and a rollback exchange.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import secrets
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from engine.records import append_event, append_line

DATE, COLUMNS = "day", ("gross_eur", "refunded_eur", "goods_eur", "parcel_eur", "voucher_eur")
UNITS = {"RefundRate": "%", "Margin": "%", "ParcelShare": "%", "DeskScore": "points"}
DECIMALS = {"paper": 1, "press": 2}


# ---- what it computes


class NoTape(Exception):
    """The file cannot be used at all; the text says why."""


def figures(path: Path, decimals: int) -> dict[str, Any]:
    """The KPIs of each day of a tape, and those of the last day on top."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            known = set(reader.fieldnames or ())
            days: dict[str, list[dict[str, str]]] = {}
            for row in reader:
                days.setdefault(row.get(DATE) or "", []).append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NoTape(f"{path} cannot be read: {error}") from error
    groups = [_group(day, days[day], known, decimals) for day in sorted(days)] or [_group("", [], known, decimals)]
    return {**groups[-1], "by": groups}


def _group(day: str, rows: list[dict[str, str]], known: set[str], decimals: int) -> dict[str, Any]:
    sums = {name: _sum(rows, name, known) for name in COLUMNS}
    return {"measurement_date": day or None, "rows": len(rows), "kpis": _kpis(sums, len(rows), decimals)}


def _sum(rows: list[dict[str, str]], name: str, known: set[str]) -> Decimal | str:
    """The sum of a column, an empty cell counting 0; or why there is none."""
    if name not in known:
        return f"the tape has no column {name}"
    total = Decimal(0)
    for row in rows:
        text = (row[name] or "").strip()
        try:
            value = Decimal(text) if text else Decimal(0)
        except InvalidOperation:
            return f"{name} holds {text!r}, which is no number"
        if not value.is_finite():
            return f"{name} holds {text!r}, which is no finite number"
        total += value
    return total


def _kpis(sums: dict[str, Decimal | str], rows: int, decimals: int) -> dict[str, Any]:
    gross, refunded, goods, parcel, voucher = (sums[name] for name in COLUMNS)
    found: dict[str, Decimal | str] = {
        "RefundRate": _percent(refunded, gross, rows),
        "Margin": _percent(_left_over(gross, refunded, goods, parcel, voucher), gross, rows),
        "ParcelShare": _percent(parcel, gross, rows),
    }
    margin, refunds = found["Margin"], found["RefundRate"]
    if isinstance(margin, str) or isinstance(refunds, str):
        found["DeskScore"] = margin if isinstance(margin, str) else str(refunds)
        return {name: _shown(name, value, decimals) for name, value in found.items()}
    score = margin / 10 - refunds / 20
    found["DeskScore"] = min(max(score, Decimal(0)), Decimal(5))
    shown = {name: _shown(name, value, decimals) for name, value in found.items()}
    shown["DeskScore"]["unheld"] = round(float(score), decimals)
    return shown


def _left_over(gross: Decimal | str, *costs: Decimal | str) -> Decimal | str:
    for amount in (gross, *costs):
        if isinstance(amount, str):
            return amount
    assert isinstance(gross, Decimal)
    return gross - sum((cost for cost in costs if isinstance(cost, Decimal)), Decimal(0))


def _percent(part: Decimal | str, whole: Decimal | str, rows: int) -> Decimal | str:
    if isinstance(part, str):
        return part
    if isinstance(whole, str):
        return whole
    if not rows:
        return "the tape has no rows"
    return part / whole * 100 if whole else "nothing was sold"


def _shown(name: str, value: Decimal | str, decimals: int) -> dict[str, Any]:
    if isinstance(value, str):
        return {"value": None, "unit": UNITS[name], "reason": value}
    return {"value": round(float(value), decimals), "unit": UNITS[name], "reason": None}


# ---- the service


def serve(release: str, root: Path) -> int:
    """Runs until SIGTERM; the run under way is ended first."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = yaml.safe_load((root / "config/pipeline.yml").read_text())
    if settings["release"] != release:
        sys.stderr.write(f"config/pipeline.yml is for {settings['release']}, this is {release}\n")
        return 2
    every = float(settings["pipeline"]["run_every"].removesuffix("s"))
    while not stop.is_set():
        record = run_once(release, root, settings["pipeline"])
        print(f"run {record['run_id'][:8]} {record['status']}: {record['rows']} rows", flush=True)
        stop.wait(every)
    return 0


def run_once(release: str, root: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """One run: figures published, two events in the audit trail, one line in the run records."""
    run_id, started = secrets.token_hex(16), datetime.now(UTC)
    about = {"run_id": run_id, "release": release, "build": os.environ.get("ABACO_OPS_BUILD", "")}
    tape, error, found, outputs = root / settings["tape"], None, None, []
    append_event(root / "logs/events.jsonl", "run.started", about, source="pipeline")
    began = time.perf_counter()
    try:
        found = figures(tape, int(settings["decimals"]))
        milliseconds = (time.perf_counter() - began) * 1000
        outputs = [_publish(root, settings["output"], f"{release}_{started:%Y%m%dT%H%M%S}_{run_id[:8]}", about, found)]
    except (NoTape, OSError) as problem:
        error = str(problem)
    append_event(root / "logs/events.jsonl", "run.finished", {**about, "status": _status(error)}, source="pipeline")
    record = {
        "v": 1,
        **about,
        "incarnation": _incarnation(),
        "started": _iso(started),
        "ended": _iso(datetime.now(UTC)),
        "rows": sum(group["rows"] for group in found["by"]) if found else 0,
        "errors": 0,
        "latency_ms": round(milliseconds, 3) if found else None,
        "tape": settings["tape"],
        "tape_sha256": hashlib.sha256(tape.read_bytes()).hexdigest() if found else None,
        "measurement_date": found["measurement_date"] if found else None,
        "outputs": outputs,
        "audit_events": 2,
        "status": _status(error),
        "error": error,
    }
    append_line(root / "logs/runs.jsonl", record)
    return record


def _publish(root: Path, output: str, name: str, about: dict[str, str], found: dict[str, Any]) -> dict[str, Any]:
    """The KPIs as one JSON file, whole or not there."""
    place = root / output
    place.mkdir(parents=True, exist_ok=True)
    data = json.dumps({**about, **found}, indent=1).encode()
    aside = place / f".{name}.tmp"
    aside.write_bytes(data)
    aside.rename(place / f"{name}.json")
    return {"path": f"{output}/{name}.json", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _incarnation() -> dict[str, Any]:
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": os.getpid(), "start_time": ticks, "boot_id": boot}


def _status(error: str | None) -> str:
    return "ok" if error is None else "failed"


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- the other programs


def kpi(release: str, tapes: list[Path]) -> int:
    """One line for each tape; one that cannot be read is an answer, too."""
    for tape in tapes:
        try:
            answer = {"tape": str(tape), **figures(tape, DECIMALS[release])}
        except NoTape as error:
            answer = {"tape": str(tape), "error": str(error), "kpis": {}}
        print(json.dumps(answer), flush=True)
    return 0


def test(release: str) -> int:
    """A tape whose figures are known by heart."""
    sums: dict[str, Decimal | str] = dict(zip(COLUMNS, map(Decimal, (200, 10, 100, 20, 10)), strict=True))
    values = {name: one["value"] for name, one in _kpis(sums, 3, DECIMALS[release]).items()}
    expected = {"RefundRate": 5.0, "Margin": 30.0, "ParcelShare": 10.0, "DeskScore": round(2.75, DECIMALS[release])}
    if values != expected:
        sys.stderr.write(f"{values} is not {expected}\n")
        return 1
    return 0


def verify(release: str, root: Path) -> int:
    """Whether the newest run of this release says what the tape says now."""
    settings = yaml.safe_load((root / "config/pipeline.yml").read_text())["pipeline"]
    runs = [json.loads(line) for line in (root / "logs/runs.jsonl").read_text().splitlines()]
    mine = [run for run in runs if run["release"] == release and run["status"] == "ok"]
    if not mine:
        sys.stderr.write(f"{release} has no good run yet\n")
        return 1
    published = json.loads((root / mine[-1]["outputs"][0]["path"]).read_text())
    now = figures(root / settings["tape"], int(settings["decimals"]))
    return 0 if published["kpis"] == now["kpis"] else 1


def tape(root: Path) -> int:
    """Two days of orders, and the reference; made from a fixed seed."""
    for name, seed, orders in (("data/raw/orders.csv", 7, 400), ("data/reference/orders.csv", 1, 50)):
        rng = random.Random(seed)  # noqa: S311 - orders, no secrets
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["order_no", DATE, *COLUMNS])
            for day in ("2026-03-01", "2026-03-02"):
                writer.writerows(_order(f"{number:05d}", day, rng) for number in range(1, orders + 1))
    return 0


def _order(number: str, day: str, rng: random.Random) -> list[str]:
    cents = rng.randrange(500, 20_000)
    refunded = cents if rng.random() < 0.03 else 0
    goods, parcel = cents * rng.randrange(40, 60) // 100, rng.choice((290, 490))
    parts = (cents, refunded, goods, parcel, 0 if refunded else rng.choice((0, 0, 200)))
    return [number, day, *(f"{part / 100:.2f}" for part in parts)]


def main() -> int:
    """Run one program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=("serve", "kpi", "test", "verify", "tape"))
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--release", choices=tuple(DECIMALS), default="paper")
    parser.add_argument("--root", type=Path)
    asked = parser.parse_intermixed_args()
    if asked.program == "kpi":
        return kpi(asked.release, asked.paths)
    if asked.program == "test":
        return test(asked.release)
    if asked.program == "tape":
        return tape(asked.paths[0])
    return (serve if asked.program == "serve" else verify)(asked.release, asked.root)


if __name__ == "__main__":
    raise SystemExit(main())
