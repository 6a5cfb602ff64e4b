"""What must be on disk after a cutover and a rollback, judged from outside."""

from __future__ import annotations

import json
from pathlib import Path

from operator_at_work import Operator, hashes


def newest_snapshot(operator: Operator) -> Path:
    snapshots = operator.run("snapshots", "--json").json()
    verified = [snapshot for snapshot in snapshots if snapshot["verified"] and snapshot["release"] == "v1"]
    assert verified, snapshots
    return operator.root / ".rollback/snapshots" / verified[-1]["id"]


def assert_nothing_is_lost(operator: Operator, snapshot: Path) -> None:
    """Every run that V2 recorded left its bytes in the restored tree or in a side snapshot."""
    kept = set(operator.published().values())
    for directory in (operator.root / ".rollback/snapshots").iterdir():
        if (directory / "COMPLETE").exists():
            kept |= set(hashes(directory / "tree").values())
    runs = [json.loads(line) for line in (operator.root / "logs/runs.jsonl").read_text().splitlines()]
    written = {output["sha256"] for run in runs if run["release"] == "v2" for output in run["outputs"]}
    assert written
    assert written <= kept
    published = operator.published()
    oldest = min(name for name in published if name.startswith("kpis_v1"))
    before = {
        name: digest for name, digest in hashes(snapshot / "tree").items() if "metrics" in name and "kpis_" in name
    }
    gone = {name for name, digest in before.items() if digest not in published.values()}
    # after an hour V1 itself lets go of its oldest files, here and since it runs again
    assert not {name for name in gone if Path(name).name > oldest}, gone


def assert_records_are_complete(operator: Operator) -> None:
    audit = operator.run("audit", "verify")
    assert audit.code == 0, audit.out + audit.err
    events = (operator.root / "logs/events.jsonl").read_text()
    for kind in ("run.finished", "validation.finished", "operation.accepted", "operation.ended"):
        assert f'"kind":"{kind}"' in events, kind
    logs = {path.name for path in (operator.root / "logs").iterdir()}
    assert any(name.startswith("cutover_") for name in logs)
    assert "rollback.log" in logs
    rollback = operator.root / ".rollback"
    assert list(rollback.glob("pipeline_backup_*.yml"))
    assert (rollback / "metrics_backup").is_dir()
    assert (rollback / "v1_status_before.log").read_text().strip()
