"""Copying out of the console: through tmux where it runs inside one, else by OSC 52, and into a file what is too large.

A tmux takes OSC 52 from a program only with ``set-clipboard on``, which is not its default, and the passthrough only
with ``allow-passthrough on``. ``tmux load-buffer -w`` needs neither: it fills the paste buffer, and hands the text to
the terminal outside as well.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.config.personal import state_directory
from engine.errors import Refused
from engine.records import harmless

if TYPE_CHECKING:
    from tui.app import ConsoleApp

LARGEST = 74_994
"""Bytes of base64: many terminals drop an OSC 52 that is longer, without a word."""
_TMUX_WITHIN = 2.0
"""Seconds that tmux may take."""
_NESTED = ("tmux", "screen")
"""How the terminal's name begins inside a tmux that cannot be asked: the one around an SSH."""
_CHUNK = 256
"""Bytes that GNU screen passes on at once."""


class Copied(msgspec.Struct, frozen=True):
    """What remains to be written to the terminal (empty: nothing), and what to say."""

    sequence: str
    said: str


def copy(text: str, environment: Mapping[str, str], now: datetime) -> Copied:
    """Copy by the way that holds here. Blocks; Refused when there is none, with the reason."""
    text = "\n".join(harmless(line, 10 * len(line) + 1) for line in text.split("\n"))
    encoded = base64.b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")
    if len(encoded) > LARGEST:
        return Copied("", f"too large for a clipboard: written to {_into_file(text, environment, now)}")
    if environment.get("TMUX") and (outside := _through_tmux(text)) is not None:
        return Copied("", "copied into tmux's buffer" + (", and sent to the terminal's clipboard" if outside else ""))
    sequence = f"\x1b]52;c;{encoded}\x07"
    sent = "sent to the terminal's clipboard (OSC 52)"
    if environment.get("STY"):  # GNU screen passes on what it is told to, in pieces
        pieces = [sequence[at : at + _CHUNK] for at in range(0, len(sequence), _CHUNK)]
        return Copied("".join(f"\x1bP{piece}\x1b\\" for piece in pieces), f"{sent} through screen")
    if environment.get("TMUX") or environment.get("TERM", "").startswith(_NESTED):
        sent = f"{sent}; tmux set -s set-clipboard on lets it through"
        if environment.get("TMUX") or environment["TERM"].startswith("tmux"):  # "screen" may be one: it would show it
            passed = sequence.replace("\x1b", "\x1b\x1b")
            sequence = f"{sequence}\x1bPtmux;{passed}\x1b\\"
    return Copied(sequence, sent)


def _through_tmux(text: str) -> bool | None:
    """Whether it reached the terminal outside too; None when tmux did not take it."""
    for options, outside in (["-w", "-"], True), (["-"], False):  # a tmux before 3.2 knows no -w
        try:
            done = subprocess.run(
                ["tmux", "load-buffer", *options],
                input=text.encode("utf-8", "backslashreplace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_TMUX_WITHIN,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode == 0:
            return outside
    return None


def _into_file(text: str, environment: Mapping[str, str], now: datetime) -> Path:
    """A file of this person's own, for nobody else to read."""
    directory = state_directory(environment) / "copied"
    path = directory / f"{now:%Y%m%dT%H%M%S%f}Z-{os.getpid()}.txt"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise Refused(f"too large for a clipboard, and {path} cannot be written: {error.strerror}") from error
    return path


def copy_from(app: ConsoleApp, text: str) -> None:
    """Copy off the event loop, then say which way it went. What ends meanwhile gets nothing any more."""

    def done(copied: Copied) -> None:
        app.send_to_terminal(copied.sequence)
        app.say(copied.said, "dim")

    now = app.look.now
    app.background(lambda: copy(text, os.environ, now), done, lambda why: app.say(f"not copied: {why}", "warn"))
