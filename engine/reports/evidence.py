"""What a report can be checked against: files and their hashes, the trail's chain, builds and configuration."""

from __future__ import annotations

from engine import __version__
from engine.records.counted import counted
from engine.reports.document import Row, Section, Table
from engine.reports.found import Found


def section(found: Found) -> Section:
    """The chain first, then the releases, then every file."""
    lead = f"Made by abaco-ops {__version__} from the records of {found.deployment.console.deployment.name}."
    lead += (
        f" {counted(len(found.files), 'file')} cited: check them with sha256sum, the chain with abaco-ops audit verify."
    )
    rows = tuple(
        Row((item.path, item.note, f"{item.bytes:,}", item.sha256 or "-"), "" if item.sha256 else "?")
        for item in found.files
    )
    files = Table(("file", "", "bytes", "sha256"), rows, "no file of this deployment holds anything yet")
    return Section("evidence", "Evidence", lead, (_records(found), _releases(found), files))


def _records(found: Found) -> Table:
    chain = found.chain
    if not chain.there or not chain.records:
        trail = Row(("audit trail", "NOT RUN", "no event was recorded up to this moment", ""), "?")
    elif chain.problem:
        trail = Row(("audit trail", "FAIL", f"its chain is broken: {chain.problem}", chain.head), "C")
    else:
        words = f"{chain.records:,} records, each follows from the one before"
        trail = Row(("audit trail", "PASS", words, chain.head), "ok")
    count = sum(found.counts.values())
    samples = Row(
        (
            "samples.db",
            "",
            f"{count:,} values of {len(found.counts)} metrics in this stretch; {len(found.frames):,} states shown",
            "",
        ),
        "" if count else "?",
    )
    return Table(("records", "chain", "what they hold", "hash of the last record"), (trail, samples), "")


def _releases(found: Found) -> Table:
    """Builds and configuration of both releases, as the newest cutover or rollback sealed them in its plan."""
    rows = []
    for orders in found.plans[-1:]:
        plan = orders.plan
        for name, build, config in (
            (plan.release_from, plan.build_from, plan.config_now),
            (plan.release_to, plan.build_to, plan.config_then),
        ):
            rows.append(Row((name, build or "-", config or "-", orders.operation)))
    columns = ("release", "build", "configuration (sha256)", "sealed in the plan of")
    return Table(columns, tuple(rows), "no plan was made yet: builds are not recorded")
