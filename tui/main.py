"""The entry point ``abaco-ops``: the command line, and the console where no command is given."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.cli.word import command_word
from tui import unechoed

if TYPE_CHECKING:
    from pathlib import Path

    from engine.state.playback import Playback

_INTERRUPTED = 130


def main() -> None:
    """Run ``abaco-ops`` with the process's arguments and exit with its code."""
    word = command_word(sys.argv[1:])
    if word is None:
        gc.disable()  # looking for garbage between the imports is a tenth of the start; the console sees to it then
    try:
        if word in (None, "wall"):
            unechoed.hold()
        from engine.cli import frame  # what is loaded from here on takes a while, and keys may be typed meanwhile

        code = frame.main(sys.argv[1:], _open_console, _examine)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    finally:
        unechoed.let_go()
    raise SystemExit(code)


def _open_console(root: Path, read_only: bool, playback: Playback | None = None, *, wall: bool = False) -> int:
    # a picture that comes after another one waits for Textual's next frame, at worst for two: of 4 ms, not of 17
    os.environ.setdefault("TEXTUAL_FPS", "250")
    with without_tls():
        from tui.console import open_console  # only here: scripts must not pay for the screen
    return open_console(root, read_only=read_only, playback=playback, wall=wall)


@contextmanager
def without_tls() -> Iterator[None]:
    """Import asyncio as on a Python without OpenSSL, for which it provides: a console asks no server for anything, and
    OpenSSL is a tenth of its start and a megabyte or two. Whoever imports ``ssl`` afterwards has it.
    """
    absent = "ssl" not in sys.modules
    if absent:
        sys.modules["ssl"] = None  # type: ignore[assignment]  # how an import is told that there is none
    try:
        yield
    finally:
        if absent:
            del sys.modules["ssl"]


def _examine(root: Path) -> list[tuple[str, str, str]]:
    from tui.keymap import examine

    return examine(root)


if __name__ == "__main__":
    main()
