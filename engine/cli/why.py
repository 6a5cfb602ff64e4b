"""``abaco-ops why [CONDITION]``: the samples that a verdict rests on, and whether they give the same again."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock, pretty_duration
from engine.config import Deployment
from engine.errors import CHECK_FAILED, DONE
from engine.monitoring.trace import Sampled, Trace
from engine.monitoring.trace_sources import traced
from engine.monitoring.trace_words import allowed_gap, beyond_words, tier_words, verdict_on
from engine.records import harmless
from engine.state import StateReader

LAST = 20
SEVERAL, FEW = 3, 3
"""Behind more than this many conditions, fewer samples of each are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``why [CONDITION] [--last N] [--json]``."""
    parser.add_argument("condition", metavar="CONDITION", nargs="?", help="its id; left out: what the verdict rests on")
    parser.add_argument("--last", metavar="N", type=int, help=f"samples shown; {LAST} unless given")
    parser.add_argument("--json", action="store_true", help="for scripts, with every sample that was read")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0 when the samples give what the monitor said, or cannot tell; 1 when they do not."""
    deployment = context.deployment()
    names = [options.condition.upper()] if options.condition else _behind_the_verdict(deployment, quiet=options.json)
    found = [traced(deployment, name) for name in names]
    last = options.last if options.last is not None else LAST if len(found) <= SEVERAL else FEW
    if options.json:
        plain = found[0] if options.condition else found
        sys.stdout.buffer.write(msgspec.json.encode(plain) + b"\n")
    else:
        sys.stdout.write("\n\n".join("\n".join(lines(one, max(last, 1))) for one in found) + "\n")
    return CHECK_FAILED if any(one.agrees is False for one in found) else DONE


def _behind_the_verdict(deployment: Deployment, *, quiet: bool) -> list[str]:
    state = StateReader(deployment, SystemClock()).read()
    if not quiet:
        sys.stdout.write(f"{state.verdict.word}: {state.verdict.why}\n")
    row = next((row for row in state.matrix if row.verdict == state.verdict.word), None)
    if not quiet and row is not None:
        sys.stdout.write(f"  do         {row.action}\n\n")
    return list(row.conditions) if row is not None else []


def lines(trace: Trace, last: int) -> list[str]:
    """A trace as plain lines."""
    made = [f"{trace.id}  {trace.title}, of {trace.release}, as judged at {trace.at:%Y-%m-%d %H:%M:%SZ}"]
    made += [f"  monitor    {harmless(trace.said, 300)}"]
    made += [f"  value      {harmless(trace.reason, 300)}"] if trace.reason else []
    made += [f"  samples    {verdict_on(trace)}"]
    made += [f"  {tier_words(tier, measured=bool(trace.counted))}" for tier in trace.tiers]
    made += [f"  {words}" for words in [allowed_gap(trace)] if words]
    shown = trace.samples[-last:]
    for sample in shown:
        if sample.breaks:
            made.append(f"  -- {harmless(sample.breaks, 200)}: the count starts again")
        made.append("  " + columns(sample))
    return made if shown else [*made, f"  no sample of {trace.metric} is kept"]


def columns(sample: Sampled) -> str:
    """``01-31 09:12:04.120Z  204 MB   beyond warning  +5.0 s  pid 4711``."""
    at = f"{sample.at:%m-%d %H:%M:%S}.{sample.at.microsecond // 1000:03d}Z"
    after = f"+{pretty_duration(sample.after)}" if sample.after is not None else ""
    return f"{at}  {sample.text:<22} {beyond_words(sample):<17} {after:<9} {sample.source}".rstrip()
