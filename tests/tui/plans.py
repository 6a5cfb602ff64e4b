"""Plans made by hand, for the sheets."""

from __future__ import annotations

from datetime import timedelta

from states import NOW

from engine.operations.plan import Evidence, KeyChange, Plan, PlannedStep
from engine.operations.prospects import Choice, WaysOn

ROLLBACK = Plan(
    kind="rollback",
    release_from="v2",
    release_to="v1",
    build_from="c03d77" + "0" * 58,
    build_to="a41f09" + "0" * 58,
    config_now="19be40" + "0" * 58,
    config_then="7c1e22" + "0" * 58,
    changes=(
        KeyChange("release", "v2", "v1"),
        KeyChange("pipeline.decimals", "2", "1"),
        KeyChange("pipeline.engine", "columns", None),
    ),
    snapshot="0004",
    snapshot_at=NOW - timedelta(hours=7, minutes=14),
    snapshot_files=212,
    snapshot_bytes=18_000_000,
    sets_aside_runs=14,
    sets_aside_files=42,
    sets_aside_bytes=18_000_000,
    not_covered=(),
    steps=(
        PlannedStep("stop_v2", "stop V2", "rollback", no_return=True),
        PlannedStep("config", "restore the configuration", "rollback"),
        PlannedStep("metrics", "restore the metrics", "rollback"),
        PlannedStep("start_v1", "start V1", "rollback"),
        PlannedStep("verify_v1", "verify V1", "rollback"),
        PlannedStep("record", "incident record", "rollback"),
        PlannedStep("tell", "tell VP Engineering", "rollback"),
    ),
    evidence=(
        Evidence("ok", "snapshot 0004", "complete, 212 of 212 hashes, checked 3m ago"),
        Evidence("ok", "staged", "same file system, 41 GB free"),
        Evidence("ok", "nobody operates", "K. Lee is watching"),
        Evidence("--", "matrix", "WATCH: no rollback tier is met. The decision is yours."),
    ),
    expected_seconds=2.1,
    basis="b" * 64,
    made_at=NOW,
)

CUTOVER = Plan(
    kind="cutover",
    release_from="v1",
    release_to="v2",
    build_from=ROLLBACK.build_to,
    build_to=ROLLBACK.build_from,
    config_now=ROLLBACK.config_then,
    config_then=ROLLBACK.config_now,
    changes=(KeyChange("release", "v1", "v2"), KeyChange("pipeline.decimals", "1", "2")),
    snapshot=None,
    snapshot_at=None,
    snapshot_files=0,
    snapshot_bytes=0,
    sets_aside_runs=0,
    sets_aside_files=0,
    sets_aside_bytes=0,
    not_covered=(),
    steps=tuple(
        PlannedStep(name, title, phase, no_return=name == "start_new")
        for name, title, phase in (
            ("environment", "environment and configuration", "0 pre-cutover"),
            ("snapshot", "metrics snapshot", "1 backup"),
            ("release_tests", "v2's own tests", "2 staging"),
            ("stop_old", "v1 stopped", "3 shutdown"),
            ("start_new", "v2's first start", "4 activation"),
            ("first_run", "v2 really ran", "5 post-cutover"),
        )
    ),
    evidence=(
        Evidence("ok", "service", "v1 runs, pid 4123"),
        Evidence("ok", "disk", "41 GB free, 100 MB needed"),
        Evidence("ok", "validation", "PASS 12m ago"),
        Evidence("--", "checklist", "rollback rehearsed: not confirmed"),
    ),
    expected_seconds=None,
    basis="c" * 64,
    made_at=NOW,
)

WAYS_ON = WaysOn(
    "no release runs, configuration of v1, metrics of v1 (v2 had not started)",
    (
        Choice(
            "abort",
            "abort",
            "abaco-ops abort 0003-cutover",
            "v1 runs at the end, with its configuration. Undoes: old release stops, its words kept and 3 more. "
            "Metrics are not touched, nothing is lost.",
            "v1",
        ),
        Choice(
            "resume",
            "resume",
            "abaco-ops resume 0003-cutover",
            "v2 runs at the end. Finds 10 of 17 steps done; then: new release's configuration active; new release's "
            "first start; new release stays up and 4 more. Metrics are not touched before v2 publishes.",
            "v2",
        ),
        Choice(
            "resolve",
            "resolve",
            "abaco-ops resolve 0003-cutover --reason TEXT",
            "Closes the record of what you have put right by hand, with what is found, and changes nothing else.",
            "",
        ),
        Choice(
            "leave",
            "leave it",
            "",
            "Nothing happens: it stays open, no cutover may begin, services stay as they are (no release runs).",
            "",
        ),
    ),
)
