"""``abaco-ops init DIR``: the commented configuration for a deployment of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.cli.frame import Context
from engine.errors import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("directory", metavar="DIR", help="made when it is not there; nothing in it is overwritten")


def run(context: Context, options: argparse.Namespace) -> int:
    """Write the files and say what to edit first."""
    from engine.config.templates import write_config

    paths = write_config(Path(options.directory))
    sys.stdout.write(
        f"wrote {paths.config}\n"
        "  1. console.yml          who this deployment is, where its files are\n"
        "  2. releases/v1.yml, v2.yml   your releases: service, KPI program, tests\n"
        "     WRITTEN NOW ARE THE SAMPLE PIPELINES: replace them by your own before production\n"
        "     (pipeline.yml is the active copy of v1.yml: keep the two alike)\n"
        "  3. kpis.yml, monitoring.yml, checklist.yml   formulas, limits, people\n"
        f"then: abaco-ops doctor --root {paths.root}\n"
    )
    return DONE
