"""Every published format against the recomputation: its values, its trend, and that it was published at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.portfolio.results import Group, TapeKpis
from engine.records import harmless
from engine.validation.agreement import Agreement, compare
from engine.validation.evidence import Evidence
from engine.validation.formats import NAMES, Table, kind, read_table
from engine.validation.model import Findings
from engine.validation.runs import NotPublished, Run

_NAMED = 5
"""Disagreements of one format that are named; of the others the number is told."""


def demand_formats(evidence: Evidence, run: Run, findings: Findings) -> None:
    """Each of ``pipeline.formats`` must be among what the run recorded; without that key nothing is demanded."""
    wanted = evidence.settings.get("formats")
    if wanted is None:
        return
    if not isinstance(wanted, list) or not all(isinstance(word, str) for word in wanted):
        findings.fail(f"pipeline.formats is no list of formats: {harmless(wanted, 60)}")
        return
    found = {kind(output) for output in run.outputs}
    for word in wanted:
        if word.lower() not in found:
            shown = NAMES.get(word.lower(), harmless(word, 20))
            findings.fail(f"pipeline.formats names {shown}, and the run recorded no {shown} output")


def read_tables(evidence: Evidence, run: Run, findings: Findings) -> list[Table]:
    """All that the run published beside its JSON; what cannot be read fails."""
    tables = []
    for output in run.outputs:
        if kind(output) == "json":
            continue
        try:
            tables.append(read_table(evidence.deployment, run, output))
        except NotPublished as error:
            findings.fail(error.what)
    return tables


def compare_tables(
    kpis: TapeKpis, tables: Sequence[Table], with_trend: bool, decimals: int, findings: Findings
) -> None:
    """The newest date of every table, and its trend where the release publishes one in any of its formats."""
    for table in tables:
        groups = kpis.by if with_trend and kpis.by else (kpis.latest,)
        unknown = set(table.groups) - {group.measurement_date for group in kpis.by or (kpis.latest,)}
        for date in sorted(unknown, key=str):
            findings.fail(f"{table.name} has values of {_shown(date)}, the tape has none")
        if with_trend and kpis.by and not publishes_trend(table):
            findings.fail(f"{table.name} has no trend, though another format of the release publishes it")
            groups = (kpis.latest,)
        agreements = [_compared(table, group, decimals) for group in groups]
        tell(f"{table.name}, ", _sentences(groups, agreements), findings)
        findings.figures.setdefault("formats", {})[table.name] = {
            "agree": sum(agreement.agree for agreement in agreements),
            "of": sum(len(agreement.figures) for agreement in agreements),
            "largest_difference": max(agreement.largest_difference for agreement in agreements),
        }


def compare_trend(trend: object, kpis: TapeKpis, decimals: int, findings: Findings) -> None:
    """The trend of the JSON: every date, each as exact as the KPIs of now."""
    if not isinstance(trend, list):
        findings.fail(f"the trend is no list of dates: {harmless(trend, 60)}")
        return
    if len(trend) != len(kpis.by):
        findings.fail(f"the trend has {len(trend)} dates, the tape {len(kpis.by)}")
        return
    agreements = [
        compare(answer if isinstance(answer, Mapping) else {}, group, decimals)
        for answer, group in zip(trend, kpis.by, strict=True)
    ]
    tell("trend, ", _sentences(kpis.by, agreements), findings)
    findings.figures["trend_dates"] = len(kpis.by)


def publishes_trend(table: Table) -> bool:
    """Whether the table holds more than one date."""
    return len(table.groups) > 1


def tell(where: str, issues: Sequence[str], findings: Findings) -> None:
    """Name the first issues; say how many more there are."""
    for issue in issues[:_NAMED]:
        findings.fail(f"{where}{issue}")
    if len(issues) > _NAMED:
        findings.fail(f"{where}{len(issues) - _NAMED:,} more values do not agree")


def _compared(table: Table, group: Group, decimals: int) -> Agreement:
    nothing: Mapping[str, Any] = {"measurement_date": group.measurement_date, "rows": group.rows, "kpis": {}}
    return compare(table.groups.get(group.measurement_date, nothing), group, decimals)


def _sentences(groups: Sequence[Group], agreements: Sequence[Agreement]) -> list[str]:
    return [
        f"{_shown(group.measurement_date)}: {issue}"
        for group, agreement in zip(groups, agreements, strict=True)
        for issue in agreement.issues
    ]


def _shown(date: str | None) -> str:
    return harmless(date, 40) if date is not None else "no date"
