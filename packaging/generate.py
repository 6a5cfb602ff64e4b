"""Writes what is made from the command line's own declaration: completions for three shells and the manual page.

    python packaging/generate.py             writes packaging/share/
    python packaging/generate.py --check     exit 1 when a file there is not what the declaration says

The wheel carries the files to where shells and ``man`` look for them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from engine import __version__
from engine.cli.frame import whole_parser

SHARE = Path(__file__).parent / "share"
DESCRIPTION = """\
.PP
Without a command it opens the console on a deployment: the directory given with \\-\\-root, else the one named in
ABACO_OPS_ROOT, else the working directory. \\fBabaco\\-ops demo\\fR makes one to try things on."""
EXIT_STATUS = """\
.SH EXIT STATUS
0 done, PASS, or WARN (said as such); 1 a check failed; 2 wrong usage or configuration, or refused; 3 the operation
failed and everything is as before; 4 a person is needed; 5 another operation holds the lock."""


def main() -> int:
    """Write the files, or compare them."""
    if "--check" in sys.argv[1:]:
        differing = stale()
        for path in differing:
            sys.stderr.write(f"{path} is not what the command line declares\n  -> python packaging/generate.py\n")
        return 1 if differing else 0
    for path, text in texts().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def stale() -> list[Path]:
    """The files that are not what they would be if they were made now."""
    return [path for path, text in texts().items() if not path.exists() or path.read_text() != text]


def texts() -> dict[Path, str]:
    """Each file with what stands in it."""
    return {
        SHARE / "bash-completion/completions/abaco-ops": shtab.complete(_with_paths(whole_parser()), "bash"),
        SHARE / "zsh/site-functions/_abaco-ops": shtab.complete(_with_paths(whole_parser()), "zsh"),
        SHARE / "fish/vendor_completions.d/abaco-ops.fish": shtab.complete(_with_paths(whole_parser()), "fish"),
        SHARE / "man/man1/abaco-ops.1": _manual(whole_parser()),
    }


def _with_paths(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The shells complete file names where one is asked for."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _with_paths(command)
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar in ("FILE", "TAPE", "PATH"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser


def _manual(parser: argparse.ArgumentParser) -> str:
    about = {
        "project_name": "abaco-ops",
        "prog": "abaco-ops",
        "description": "cutover, watch and way back of a pipeline",
        "manual_section": 1,
        "manual_title": "Operations",
    }
    made = str(Manpage(parser, about)).rstrip().splitlines()
    made[0] = f'.TH ABACO\\-OPS 1 "" "abaco\\-ops {__version__}" "Operations"'  # by itself it names the day it was made
    begin = next(at for at, line in enumerate(made) if line == ".SH DESCRIPTION") + 2
    return "\n".join([*made[:begin], DESCRIPTION, *made[begin:], EXIT_STATUS, ""])


if __name__ == "__main__":
    raise SystemExit(main())
