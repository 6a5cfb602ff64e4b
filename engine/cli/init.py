"""``abaco-ops init DIR``: the commented configuration for a deployment of one's own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.cli.frame import Context
from engine.errors import DONE, NeedsHuman, Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("directory", metavar="DIR", help="made when it is not there; nothing in it is overwritten")
    parser.add_argument(
        "--share",
        metavar="GROUP",
        help="this group works on the files, those to come too; also in a deployment that is there already",
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Write the files and say what to edit first."""
    from engine.config.templates import write_config
    from engine.operations.shared_files import group_number, must_belong

    root = Path(options.directory)
    if options.share is not None and (root / "config" / "console.yml").exists():
        return _share(root, options.share)
    if options.share is not None:
        must_belong(group_number(options.share), options.share)  # refused before anything is written
    paths = write_config(root, group=options.share)
    sys.stdout.write(
        f"wrote {paths.config}\n"
        "  1. console.yml          who this deployment is, where its files are\n"
        "  2. releases/v1.yml, v2.yml   your releases: service, KPI program, tests\n"
        "     WRITTEN NOW ARE THE SAMPLE PIPELINES: replace them by your own before production\n"
        "     (pipeline.yml is the active copy of v1.yml: keep the two alike)\n"
        "  3. kpis.yml, monitoring.yml, checklist.yml   formulas, limits, people\n"
        f"then: abaco-ops doctor --root {paths.root}\n"
    )
    return DONE if options.share is None else _share(root, options.share)


def _share(root: Path, group: str) -> int:
    """Give the files of a deployment to the group that its configuration names."""
    from engine.config import load_deployment
    from engine.operations.shared_files import (
        give_them,
        group_number,
        linked_directories,
        must_belong,
        share,
        shared_places,
    )

    deployment = load_deployment(root)
    named = deployment.console.deployment.group
    if named != group:
        console = deployment.paths.config / "console.yml"
        raise Refused(f"{console} says group: {named or 'null'}", f"write group: {group} there first, then again")
    number = group_number(group)
    must_belong(number, group)
    changed, left = share(deployment, number)
    places = ", ".join(str(place) for place in shared_places(deployment))
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        said = "; ".join(why for _, why in left[:3])
        foreign = {one.owner for one, _ in left} - {os.geteuid()}
        look = "look at each: those are left alone for root too"
        fix = give_them(deployment, group, foreign) if foreign and os.geteuid() != 0 else look
        raise NeedsHuman(f"{len(left)} could not be given to {group}: {said}{more}", fix)
    sys.stdout.write(f"{places}: shared by {group}, {changed} changed\n")
    for path, target in linked_directories(deployment):
        sys.stdout.write(f"  not followed: {path} is a link; that {group} may write in {target} is for you to see to\n")
    return DONE
