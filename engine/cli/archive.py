"""``abaco-ops archive``: logs, journals, reports and their hashes in one file; the originals stay."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.cli.frame import Context
from engine.clock import SystemClock, iso
from engine.errors import DONE
from engine.reports.span import AT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``archive [--at WHEN] [-o FILE] [--rotate]``."""
    parser.add_argument(
        "--at",
        choices=AT,
        help="what it is the archive of, as for report (default: the newest that has come)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to; default logs/archive/; never overwritten")
    parser.add_argument(
        "--rotate", action="store_true", help="then rename the monitoring log, so that the next row begins a new one"
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it, read it back, say where it is."""
    from engine.reports.archive import archive
    from engine.reports.found import asked

    deployment, clock = context.deployment(), SystemClock()
    context.require_write("abaco-ops archive", deployment)
    at = asked(deployment, clock, options.at).at
    place = Path(options.output).absolute() if options.output else None
    done = archive(deployment, clock, at, place=place, rotate=options.rotate)
    size = sum(member.bytes for member in done.manifest.files)
    print(done.path)
    print(f"  {len(done.manifest.files)} files, {size:,} bytes, read back at {iso(clock.now().wall)}; originals stay")
    print(f"  sha256 {done.sha256}")
    for name in done.manifest.not_followed:
        print(f"  not followed: {name}")
    if done.rotated is not None:
        print(f"  the monitoring log is {done.rotated} now; the monitor's next row begins a new one")
    elif options.rotate:
        print("  there is no monitoring log to rename")
    for text in done.warnings:
        sys.stderr.write(f"abaco-ops: {text}\n")
    return DONE
