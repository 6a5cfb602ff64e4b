"""A keymap of one's own: which keys stand for which command, checked before one of them counts.

``config/keys.yml`` of the deployment holds for everybody, ``keys.yml`` among a person's own settings for that person
and comes after it. A mistake in either leaves the default keys in force, all of them, and is said: a console for an
emergency opens whatever its files say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.config.located import Located, read_yaml
from engine.config.personal import settings_directory
from engine.config.problems import Problem
from engine.errors import meant
from tui.commands import COMMANDS, VIEWS, Command, key_of, shown
from tui.commands.pressed import FORBIDDEN, KEPT, RESERVED, named
from tui.lines import JUMPS
from tui.unanswered import BEFORE

NAME = "keys.yml"
_FORM = "write it as   validate: [v]"


class Keymap(msgspec.Struct, frozen=True):
    """What the files say: other keys for some commands, or every mistake found in them."""

    keys: Mapping[str, tuple[str, ...]]
    files: tuple[Path, ...]
    problems: tuple[Problem, ...]

    @property
    def notice(self) -> str:
        """What the console says when it opens; empty when nothing is wrong."""
        if not self.problems:
            return ""
        first, more = self.problems[0], len(self.problems) - 1
        others = f" (and {more} more: abaco-ops doctor)" if more else ""
        return f"the default keys hold: {first.path.name}:{first.line}: {first.what}{others}"


def places(root: Path, environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Where keymaps are looked for; what stands in a later one counts."""
    return root / "config" / NAME, settings_directory(environment) / NAME


def read_keymap(paths: tuple[Path, ...]) -> Keymap:
    """Read and check every one of ``paths`` that is there."""
    there = tuple(path for path in paths if _there(path))
    files = [read_yaml(path) for path in there]
    asked: dict[str, tuple[tuple[str, ...], Located]] = {}
    for located in files:
        for command, keys in _bindings(located):
            asked[command] = (keys, located)
    _clashes(asked)
    problems = tuple(
        problem for located in files for problem in sorted(located.problems, key=lambda problem: problem.line)
    )
    chosen = {} if problems else {command: keys for command, (keys, _) in asked.items()}
    return Keymap(chosen, there, problems)


def _there(path: Path) -> bool:
    """Whether there is such a name; behind a directory that this account may not look into there is none."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def examine(root: Path) -> list[tuple[str, str, str]]:
    """For the doctor: a name, what was found, and what to do where something is to be done."""
    paths = places(root)
    keymap = read_keymap(paths)
    if keymap.problems:
        return [("keys", f"the default keys hold: {one.at}: {one.what}", one.right) for one in keymap.problems]
    if not keymap.files:
        return [("keys", f"the default ones; your own: {' or '.join(map(str, paths))}", "")]
    count = len(keymap.keys)
    return [("keys", f"{count} command{'' if count == 1 else 's'} bound by {', '.join(map(str, keymap.files))}", "")]


def bind(keymap: Keymap) -> None:
    """From now on these keys hold, in this process: footer, help, palette and hints are drawn from the commands."""
    for command, keys in keymap.keys.items():
        BEFORE.update({key: command for key in COMMANDS[command].keys if key not in keys})
        COMMANDS[command].keys = keys
    for number, command in enumerate(VIEWS, 1):
        if key_of(command) != str(number):
            JUMPS[str(number)] = key_of(command)


def _bindings(located: Located) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every command that the file names rightly, with its keys; what is wrong is noted in ``located``."""
    if located.unreadable:
        return
    top = located.value if isinstance(located.value, dict) else {}
    for key in top:
        if key not in ("version", "keys"):
            located.report((key,), "is not a known key", "a keymap has the keys version and keys")
    if top.get("version") != 1:
        located.report(("version",), "is not 1", "begin the file with   version: 1")
    bound = top.get("keys")
    if not isinstance(bound, dict):
        located.report(("keys",), "is no group of commands", f"below keys: {_FORM}")
        return
    for command, written in bound.items():
        where = ("keys", command)
        if command not in COMMANDS:
            located.report(where, f"there is no command {str(command)[:40]!r}", _nearest(str(command)))
            continue
        keys = _keys(located, where, written)
        if keys is not None and _allowed(located, where, COMMANDS[command], keys):
            yield command, keys


def _nearest(command: str) -> str:
    if "confirm" in command:
        return "what confirms has no key: a sheet is answered by typing, so that no single key cuts over or rolls back"
    return meant(command, COMMANDS)


def _keys(located: Located, where: tuple[str, str], written: Any) -> tuple[str, ...] | None:
    """The keys by their names here; None when one cannot be understood."""
    listed = written if isinstance(written, list) else [written]
    found: list[str] = []
    wrong = False
    for index, text in enumerate(listed):
        at = (*where, index) if isinstance(written, list) else where
        key = named(text)
        if key is None:
            several = isinstance(text, str) and len(text.split()) > 1
            what = f"{text!r} is several keys" if several else f"{text!r} is the name of no key"
            right = "one key for each item; no keymap types an answer into a sheet" if several else _NAMES
            located.report(at, what, right)
            wrong = True
        elif key in FORBIDDEN:
            located.report(at, f"{shown(key)} {FORBIDDEN[key]}", "choose another key")
            wrong = True
        else:
            found.append(key)
    return None if wrong else tuple(dict.fromkeys(found))


_NAMES = "one character in quotes, or a name as the help shows it: Ctrl-E, Space, Tab, PgDn, Home, Left"


def _allowed(located: Located, where: tuple[str, str], command: type[Command], keys: tuple[str, ...]) -> bool:
    """Whether this command may have these keys; what is wrong is noted."""
    before = len(located.problems)
    for key in keys:
        owner = RESERVED.get(key)
        if owner is not None and owner != command.id:
            meaning = f"it stands for {owner}" if owner in COMMANDS else owner
            what = f"{shown(key)} answers and closes sheets: {meaning}, and for nothing else"
            located.report(where, what, f"choose another key for {command.id}")
    functions = [key for key in keys if key[0] == "f" and key[1:].isdigit()]
    if keys and len(functions) == len(keys):
        located.report(where, f"{keys[0].upper()} is its only key", "many lines and terminals swallow it: add another")
    for key, why in KEPT.get(command.id, ()):
        if key == "ctrl" and not any(one.startswith("ctrl+") for one in keys):
            located.report(where, f"{command.title} is left without a key with Ctrl", why)
        elif key == "character" and not any(len(one) == 1 for one in keys):
            located.report(where, f"{command.title} is left without a key that is one character", why)
        elif key not in ("ctrl", "character") and key not in keys:
            located.report(where, f"{command.title} is left without {shown(key)}", why)
    return len(located.problems) == before


def _clashes(asked: Mapping[str, tuple[tuple[str, ...], Located]]) -> None:
    """Two commands on one key, where one screen offers both."""
    for command, (keys, located) in asked.items():
        for other in COMMANDS.values():
            theirs = asked[other.id][0] if other.id in asked else other.keys
            both = clash(COMMANDS[command], keys, other, theirs)
            twice = other.id in asked and list(asked).index(other.id) < list(asked).index(command)
            if other.id == command or not both or twice:
                continue
            what = f"{shown(both[0])} stands for {other.id} ({other.title}) too"
            located.report(("keys", command), what, f"choose another key, or give {other.id} another one here as well")


def clash(one: type[Command], keys: Sequence[str], other: type[Command], theirs: Sequence[str]) -> list[str]:
    """The keys that would stand for both on one screen.

    A replay's own keys come before those of its screens; that is no clash while the other command keeps a key there.
    """
    both = [key for key in keys if key in theirs]
    if not both or not meet(one, other):
        return []
    below = {"replay": theirs}.get(one.scope) or {"replay": keys}.get(other.scope)
    alone = one.scope != other.scope and below is not None and set(below) - set(both)
    return [] if alone else both


def meet(one: type[Command], other: type[Command]) -> bool:
    """Whether one screen offers both commands."""
    scopes = {one.scope, other.scope}
    if len(scopes) == 1 or scopes & {"anywhere", "replay"}:
        return True
    return "list" in scopes and "rollback" not in scopes
