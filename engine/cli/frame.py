"""The command line's frame: global options, the table of commands, and one place where errors become words."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from engine import __version__
from engine.config.deployment import Deployment, find_root, load_deployment
from engine.errors import REFUSED, OpsError

# command -> the module in engine.cli that declares and runs it: add_arguments(parser) and run(context, arguments)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "make a complete deployment to try things on, then open the console on it"),
    "init": ("init", "write a commented configuration for a deployment of your own"),
    "doctor": ("doctor", "what is fine, what is not, what to do"),
    "status": ("status", "the state, once"),
    "follow": ("follow", "the state in plain lines, as it changes"),
    "kpi": ("kpi", "KPIs of a tape"),
    "validate": ("validate", "the five checks and the report"),
    "cutover": ("cutover", "activate the new release"),
    "rollback": ("rollback", "go back to the old release"),
    "history": ("history", "operations, and what each did"),
    "abort": ("abort", "stop a running operation"),
    "resume": ("resume", "continue an interrupted operation"),
    "resolve": ("resolve", "close an operation that a person has put right"),
    "snapshots": ("snapshots", "what could be restored"),
    "service": ("service", "start, stop, status of a release's service, by hand"),
    "monitor": ("monitor", "the monitor in the foreground"),
    "checklist": ("checklist", "show and answer the checklist"),
    "note": ("note", "write a note into the audit trail"),
    "ack": ("ack", "acknowledge a condition"),
    "watch": ("watch", "take the watch"),
    "audit": ("audit", "verify the audit trail's hash chain"),
}


@dataclass(frozen=True, slots=True)
class Context:
    """What every command gets: the deployment's directory, whether it may write, and how to open the console."""

    root: Path
    read_only: bool
    open_console: Callable[[Path, bool], int]
    """Called with the root and read_only; returns an exit code. The engine never imports a screen."""

    def deployment(self) -> Deployment:
        """The configuration, read and checked; ConfigError names every mistake."""
        return load_deployment(self.root)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: {message}\n")
        raise SystemExit(REFUSED)


def main(arguments: Sequence[str], open_console: Callable[[Path, bool], int]) -> int:
    """Run one command line and return its exit code."""
    try:
        options = _parser(arguments).parse_args(list(arguments))
        root = find_root(getattr(options, "root", None))
        context = Context(root, bool(getattr(options, "read_only", False)), open_console)
        if options.command is None:
            return open_console(context.root, context.read_only)
        module = importlib.import_module(f"engine.cli.{COMMANDS[options.command][0]}")
        return int(module.run(context, options))
    except OpsError as error:
        sys.stderr.write(f"abaco-ops: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help="the deployment's directory")
    shared.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS, help="only look")
    shared.add_argument("--version", action="version", version=f"abaco-ops {__version__}")
    parser = _Parser(prog="abaco-ops", parents=[shared], description="Cutover, watch and way back of a pipeline.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    named = next((word for word in arguments if word in COMMANDS), None)
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, parents=[shared])
        if name == named:
            importlib.import_module(f"engine.cli.{module_name}").add_arguments(command)
    return parser
