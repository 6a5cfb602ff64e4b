"""``abaco-ops kpi [TAPE]``: the KPIs of a tape, or of the live one, now or as a trend."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.cli.frame import Context
from engine.cli.paint import painted
from engine.config.kpis import KpiConfig, KpiDefinition
from engine.errors import DONE, Refused
from engine.records import harmless

if TYPE_CHECKING:
    from engine.portfolio.results import Group, KpiValue, TapeKpis

ENGINES = ("auto", "pandas", "arrow", "dask", "duckdb")
_REMARK = 46  # what fits beside the value at 80 columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    tape = "CSV, Parquet, or a partitioned Parquet directory; without it: the live tape"
    parser.add_argument("tape", metavar="TAPE", nargs="?", help=tape)
    parser.add_argument("--by", metavar="measurement_date", help="every date of the tape, not only the latest")
    parser.add_argument("--pooled", action="store_true", help="all dates added up, and said so; not with --by")
    parser.add_argument("--duplicates", action="store_true", help="count them in a streamed tape too (8 bytes a row)")
    engines = "pandas: read whole; arrow: streamed; dask: on a cluster; duckdb: as SQL"
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help=engines)
    parser.add_argument("--json", action="store_true", help="for scripts, at full precision")


def run(context: Context, options: argparse.Namespace) -> int:
    """Compute and print; an undefined KPI is an answer and says why."""
    deployment = context.deployment()
    config = deployment.kpis
    options.tape = options.tape or str(deployment.tape)
    if options.by not in (None, config.tape.date):
        raise Refused(f"--by {harmless(options.by)}: tapes are dated by {config.tape.date}", f"--by {config.tape.date}")
    by_date = options.by is not None
    if by_date and options.pooled:
        raise Refused("--by and --pooled contradict each other", "leave one of them out")
    result = _computed(options, config, by_date)
    if options.engine == "duckdb" and result.engine != options.engine:
        what = "it was" if result.engine == "arrow" else "some columns were"
        sys.stderr.write(f"abaco-ops: SQL cannot state this tape exactly: {what} read by the engine arrow\n")
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(result.as_json(by_date=by_date)) + b"\n")
    else:
        sys.stdout.write("\n".join(_trend(result, config) if by_date else _now(result, config, options.tape)) + "\n")
    return DONE


def _computed(options: argparse.Namespace, config: KpiConfig, by_date: bool) -> TapeKpis:
    """By the engine asked for; left to itself, a large tape is streamed."""
    from engine.portfolio.streamed import compute_streamed, is_large  # not before the arguments are known to be right

    tape = Path(options.tape)
    compute = None
    if options.engine == "arrow" or (options.engine == "auto" and is_large(tape)):
        compute = compute_streamed
    if options.engine == "dask":
        from engine.portfolio.on_dask import compute_on_dask as compute
    if options.engine == "duckdb":
        from engine.portfolio.on_duckdb import compute_on_duckdb as compute
    if compute is not None:
        return compute(
            tape,
            config,
            by_date=by_date,
            pooled=options.pooled,
            hashed=options.json,
            duplicates=options.duplicates,
        )
    from engine.portfolio.compute import compute_tape  # pandas

    return compute_tape(tape, config, by_date=by_date, pooled=options.pooled)


def _now(result: TapeKpis, config: KpiConfig, tape: str) -> list[str]:
    group = result.latest
    width = max(len(definition.title) for definition in config.kpis.values())
    lines = [f" {harmless(tape)}", f" {_measured(result, config)}", ""]
    for name, definition in config.kpis.items():
        kpi = group.kpis[name]
        shown = "-" if kpi.value is None else f"{kpi.value:,.{definition.decimals}f}"
        unit = "%" if kpi.unit == "%" and kpi.value is not None else " "
        status = painted(f"{kpi.status:<9}", kpi.status)
        remark = _remark(kpi, definition)
        head = f"   {definition.title:<{width}}  {shown:>10} {unit}  {status}"
        lines += [head, *_below(remark)] if len(remark) > _REMARK else [f"{head}  {remark}".rstrip()]
    if group.finer:
        finer = ", ".join(f"{name} {count:,}" for name, count in group.finer.items())
        told = f"Values finer than {config.tape.decimals} decimals, added up exactly too: {finer}."
        lines += ["", *textwrap.wrap(told, 78, initial_indent=" ", subsequent_indent="   ", break_on_hyphens=False)]
    if any(kpi.status in ("WARNING", "CRITICAL") for kpi in group.kpis.values()):
        lines += ["", " WARNING and CRITICAL are the portfolio's business tiers, no verdict on a release."]
    return lines


def _below(remark: str) -> list[str]:
    return textwrap.wrap(remark, 72, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False)


def _measured(result: TapeKpis, config: KpiConfig) -> str:
    group = result.latest
    when = group.measurement_date or "undated"
    rows = _count(group.rows, "row")
    if group.pooled:
        when = f"{group.pooled} dates added up"
    if result.tape_rows != group.rows:
        when, rows = f"{when}, the latest date", f"{rows} of {result.tape_rows:,}"
    nulls = _count(sum(group.nulls.values()), "null")
    if group.nulls:
        nulls = f"{nulls} counted as 0 ({', '.join(f'{name} {count:,}' for name, count in group.nulls.items())})"
    uncounted = result.columns and group.duplicates is None
    repeats = "duplicates not counted (see --duplicates)" if uncounted else _duplicates(group, config)
    return "    ".join((when, rows, nulls, repeats))


def _duplicates(group: Group, config: KpiConfig) -> str:
    if group.duplicates is None:
        return f"duplicates unknown (no {config.tape.id})"
    return _count(group.duplicates, "duplicate")


def _remark(kpi: KpiValue, definition: KpiDefinition) -> str:
    if kpi.reason is not None:
        return kpi.reason
    held = ""
    if kpi.unheld is not None and kpi.unheld != kpi.value and definition.hold_to is not None:
        low, high = definition.hold_to
        held = f"held to {low:g}-{high:g}, unheld {kpi.unheld:,.{definition.decimals}f}"
    side = "above" if definition.worse_when == "higher" else "below"
    limit = definition.critical if kpi.status == "CRITICAL" else definition.warning
    if limit is None:
        return held
    told = f"{side} {limit:g}, tell {definition.owner}" if kpi.status != "ok" else f"warning {side} {limit:g}"
    return f"{told}; {held}" if held else told


def _trend(result: TapeKpis, config: KpiConfig) -> list[str]:
    titles = [
        f"{definition.title} %" if definition.unit == "%" else definition.title for definition in config.kpis.values()
    ]
    widths = [max(len(title), 9) for title in titles]
    headings = "".join(f"  {title:>{width}}  " for title, width in zip(titles, widths, strict=True))
    lines = [f"   {config.tape.date:<16}  {'rows':>7}{headings}".rstrip()]
    for group in result.by:
        cells = "".join(
            f"  {_cell(group.kpis[name], definition):>{width + 2}}"
            for (name, definition), width in zip(config.kpis.items(), widths, strict=True)
        )
        lines.append(f"   {group.measurement_date or 'undated':<16}  {group.rows:>7,}{cells}".rstrip())
    return [*lines, "", *_legend(result, config)]


def _cell(kpi: KpiValue, definition: KpiDefinition) -> str:
    mark = {"WARNING": "! ", "CRITICAL": "!!"}.get(kpi.status, "  ")
    return f"-{mark}" if kpi.value is None else f"{kpi.value:,.{definition.decimals}f}{mark}"


def _legend(result: TapeKpis, config: KpiConfig) -> list[str]:
    lines = [" ! beyond the business tier WARNING    !! beyond CRITICAL    - undefined    last row: now"]
    for group in result.by:
        reasons = {kpi.reason for kpi in group.kpis.values() if kpi.reason is not None}
        lines += [f" {group.measurement_date or 'undated'}: {reason}" for reason in sorted(reasons)]
        when = group.measurement_date or "undated"
        lines += [
            f" {when}: {config.kpis[name].title} held to {kpi.value:g}, unheld {kpi.unheld:,.2f}"
            for name, kpi in group.kpis.items()
            if kpi.value is not None and kpi.unheld is not None and kpi.unheld != kpi.value
        ]
        if group.nulls:
            lines.append(
                f" {group.measurement_date or 'undated'}: {_count(sum(group.nulls.values()), 'null')} counted as 0"
            )
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"
