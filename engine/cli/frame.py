"""The command line's frame: global options, the table of commands, and one place where errors become words."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from engine import __version__
from engine.cli.outlet import outlet
from engine.cli.word import command_word
from engine.errors import NEEDS_HUMAN, REFUSED, OpsError, Refused, nearest
from engine.tiers import COLORS, COLORS_VARIABLE, MARKS, MARKS_VARIABLE, THEME_VARIABLE

if TYPE_CHECKING:  # read when a command needs it: --version and usage errors do not pay for YAML and types
    from engine.config import Deployment

TRACEBACK_VARIABLE = "ABACO_OPS_TRACEBACK"
BROKEN_PIPE = 141
INTERRUPTED = 130

# command -> the module in engine.cli that declares and runs it: add_arguments(parser) and run(context, arguments)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "make a complete deployment to try things on, then open the console on it"),
    "init": ("init", "write a commented configuration for a deployment of your own"),
    "doctor": ("doctor", "what is fine, what is not, what to do"),
    "status": ("status", "the state, once"),
    "why": ("why", "the samples behind a condition or the verdict, recomputed"),
    "follow": ("follow", "the state in plain lines, as it changes"),
    "wall": ("wall", "the state in large letters, to be read across a room; it only looks"),
    "kpi": ("kpi", "KPIs of a tape"),
    "validate": ("validate", "the five checks and the report"),
    "validations": ("validations", "earlier validations: verdicts and figures over time, and each report"),
    "ready": ("ready", "what stands against a GO, one line each; exit 0 when nothing does"),
    "cutover": ("cutover", "activate the new release"),
    "rollback": ("rollback", "go back to the old release"),
    "history": ("history", "operations, and what each did"),
    "go": ("go", "tell a held cutover to go on with the switch"),
    "abort": ("abort", "stop a running operation"),
    "resume": ("resume", "continue an interrupted operation"),
    "resolve": ("resolve", "close an operation that a person has put right"),
    "snapshots": ("snapshots", "what could be restored"),
    "rehearse": ("rehearse", "everything of a rollback but the swap, on the live deployment, timed"),
    "service": ("service", "start, stop, status of a release's service, by hand"),
    "operate": ("operate", "carry out an operation that was asked for: what its unit runs"),
    "monitor": ("monitor", "the monitor in the foreground"),
    "checklist": ("checklist", "show and answer the checklist"),
    "gate": ("gate", "the decision points: what each rests on; go or no-go"),
    "note": ("note", "write a note into the audit trail"),
    "ack": ("ack", "acknowledge a condition"),
    "silence": ("silence", "page nobody about a condition for a while"),
    "update": ("update", "a status update for the team, ready to be pasted, or sent"),
    "notify": ("notify", "test the channels by which people are told"),
    "watch": ("watch", "take the watch and read what happened; a summary for who takes it next"),
    "report": ("report", "sign-off or incident report: Markdown and one HTML file"),
    "archive": ("archive", "logs, journals, reports and their hashes in one file"),
    "audit": ("audit", "verify the audit trail's hash chain"),
    "rules": ("rules", "test the conditions against written series"),
    "replay": ("replay", "show a past stretch in the console, or the state at one moment"),
    "drill": ("drill", "make the demo's pipeline misbehave for a while, to rehearse"),
}


# Commands that always write; cutover and rollback do unless --dry-run. Those that write in some forms only
# (service start, checklist tick, ...) ask Context.require_write themselves.
ALWAYS_WRITE = frozenset(
    {"demo", "init", "validate", "go", "abort", "resume", "resolve", "rehearse", "monitor", "note", "ack"}
)
WRITE_UNLESS_DRY = frozenset({"cutover", "rollback"})
_NAME_FILES = frozenset({"root", "directory", "tape", "html", "output"})
"""Options and arguments that name a file or a directory."""
_SCREEN = {"--theme": THEME_VARIABLE, "--colors": COLORS_VARIABLE, "--glyphs": MARKS_VARIABLE}
"""Options for whatever opens the console, and the variables that say the same for every call."""


Examine = Callable[[Path], Sequence[tuple[str, str, str]]]


class Context(NamedTuple):
    """What every command gets: the deployment's directory, whether it may write, and how to open the console."""

    root: Path
    read_only: bool
    open_console: Callable[..., int]
    """Called with the root, read_only and, for a replay, what to show; returns an exit code. The engine never imports
    a screen."""
    examine_console: Examine | None = None
    """Called with the root: what the console finds in its own files, each a name, what, and what to do (empty: fine).
    None: there is no console here."""
    writes: str = ""
    """The command, when it is one that writes: a deployment that may only be looked at then refuses it."""

    def deployment(self) -> Deployment:
        """The configuration, read and checked; ConfigError names every mistake."""
        from engine.config import load_deployment
        from engine.config.looking import only_looking

        deployment = load_deployment(self.root)
        if self.read_only:
            deployment = only_looking(deployment)
        if self.writes:
            self.require_write(self.writes, deployment)
        return deployment

    def require_write(self, what: str = "this command", deployment: Deployment | None = None) -> None:
        """Refused when this call, or the deployment itself, may only look. ``what`` begins the sentence."""
        if self.read_only:
            raise Refused(f"{what} writes, and --read-only was given", "leave --read-only out")
        if deployment is not None:
            from engine.config.looking import must_write

            must_write(deployment, what)


class _Parser(argparse.ArgumentParser):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["allow_abbrev"] = False  # --y must not come to mean --yes
        super().__init__(*arguments, **options)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: {message}\n")
        raise SystemExit(REFUSED)


def main(arguments: Sequence[str], open_console: Callable[..., int], examine_console: Examine | None = None) -> int:
    """Run one command line and return its exit code; everything that goes wrong becomes a sentence."""
    if sys.stderr is None:  # closed: nobody wants to be told
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
    if (stdout := sys.stdout) is None:  # closed: nothing is begun whose result nobody would see
        sys.stderr.write("abaco-ops: standard output is closed, so nothing was done\n  -> >/dev/null discards it\n")
        return REFUSED
    try:
        with outlet():
            return _told(list(arguments), open_console, examine_console)
    except BrokenPipeError:  # the reader left; what it asked for may or may not have been done, so not 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        return BROKEN_PIPE


def _told(arguments: list[str], open_console: Callable[..., int], examine_console: Examine | None) -> int:
    try:
        code = _run(arguments, open_console, examine_console)
        sys.stdout.flush()
    except OpsError as error:
        sys.stderr.write(f"abaco-ops: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"abaco-ops: {named}{error.strerror or error}\n")
        return REFUSED
    except Exception as error:
        return _own_mistake(error)
    return code


def _run(arguments: list[str], open_console: Callable[..., int], examine_console: Examine | None) -> int:
    word = command_word(arguments)
    if word is not None and word not in COMMANDS:
        raise Refused(f"{word!r} is no command", _nearest(word))
    asked_all = word is None and {"-h", "--help"} & set(arguments)
    options = _in_text(_parser(COMMANDS if asked_all else [word or ""], [word or ""]).parse_args(arguments))
    for option, variable in _SCREEN.items():  # what is said for this call stands above what is set for all
        if hasattr(options, option[2:]):
            os.environ[variable] = getattr(options, option[2:])
    from engine.config import find_root

    writes = word in ALWAYS_WRITE or (word in WRITE_UNLESS_DRY and not getattr(options, "dry_run", False))
    context = Context(
        root=find_root(getattr(options, "root", None)),
        read_only=bool(getattr(options, "read_only", False)),
        open_console=open_console,
        examine_console=examine_console,
        writes=f"abaco-ops {word}" if writes else "",
    )
    if word is None:
        return open_console(context.root, context.read_only)
    if writes:
        context.require_write(context.writes)
    module = importlib.import_module(f"engine.cli.{COMMANDS[word][0]}")
    return int(module.run(context, options))


def _in_text(options: argparse.Namespace) -> argparse.Namespace:
    """The options, with words that every record can hold: what a terminal sends may be no UTF-8. Files keep their
    names, which are bytes.
    """
    for name, value in vars(options).items():
        if isinstance(value, str) and name not in _NAME_FILES:
            setattr(options, name, _as_text(value))
        elif isinstance(value, list):
            setattr(options, name, [_as_text(one) if isinstance(one, str) else one for one in value])
    return options


def _as_text(words: str) -> str:
    return words.encode("utf-8", "backslashreplace").decode()


def _nearest(word: str) -> str:
    near = nearest(word, COMMANDS)
    return f"did you mean abaco-ops {near}? abaco-ops --help lists all" if near else "abaco-ops --help lists all"


def whole_parser() -> argparse.ArgumentParser:
    """Every command with all its options, for what describes them: completions, the manual page."""
    return _parser(COMMANDS, COMMANDS)


def _parser(listed: Collection[str], declared: Collection[str]) -> argparse.ArgumentParser:
    """``listed``: the commands it knows; ``declared``: those whose options it knows. Each of these imports a module."""
    shared = _Parser(add_help=False)
    shared.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help="the deployment's directory")
    shared.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS, help="only look")
    shared.add_argument("--theme", metavar="NAME", default=argparse.SUPPRESS, help="the console's colours")
    shared.add_argument("--colors", choices=COLORS, default=argparse.SUPPRESS, help="how many colours it may use")
    shared.add_argument("--glyphs", choices=MARKS, default=argparse.SUPPRESS, help="which marks it draws with")
    shared.add_argument("--version", action="version", version=f"abaco-ops {__version__}")
    parser = _Parser(prog="abaco-ops", parents=[shared], description="Cutover, watch and way back of a pipeline.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, (module_name, summary) in COMMANDS.items():
        if name not in listed:
            continue
        command = commands.add_parser(name, help=summary, description=summary, parents=[shared])
        if name in declared:
            importlib.import_module(f"engine.cli.{module_name}").add_arguments(command)
    return parser


def _own_mistake(error: Exception) -> int:
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    sys.stderr.write(
        f"abaco-ops: a mistake in abaco-ops itself: {type(error).__name__}: {error}\n"
        f"  -> what runs, runs on; {TRACEBACK_VARIABLE}=1 shows where it happened\n"
    )
    return NEEDS_HUMAN
