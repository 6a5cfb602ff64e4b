"""The pictures of the README: the real console on a real demo in a real terminal (tmux), as SVG.

    python docs/pictures.py

Makes a demo in ``demo`` below the directory for temporary files (a picture shows that path), cuts it over, lets it run
for a minute, and writes ``docs/console-<size>.svg`` and ``docs/rollback-80x24.svg``, ``docs/wall-80x24.svg``.
Needs tmux.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))

from terminal import Terminal  # noqa: E402

COMMAND = (sys.executable, "-m", "tui.main")
SIZES = ((80, 24), (120, 36), (200, 50))
WATCHED = 60.0
"""Seconds that V2 is watched before the pictures are taken, so that the trends show something."""
_COLOURS = ((16, 20, 24), (215, 95, 95), (95, 175, 135), (215, 175, 95))
_MORE_COLOURS = ((95, 135, 215), (175, 135, 215), (95, 175, 215), (200, 205, 210))
THEME = TerminalTheme(_COLOURS[0], _MORE_COLOURS[-1], [*_COLOURS, *_MORE_COLOURS])


def main() -> None:
    """Take them all."""
    root = Path(tempfile.gettempdir()) / "demo"
    root.mkdir()  # of its own: it is removed in the end
    try:
        run(root, "demo", str(root), "--no-console")
        try:
            run(root, "validate")
            run(root, "watch", "take")
            run(root, "cutover", "--yes", "--reason", "planned")
            time.sleep(WATCHED)
            run(root, "validate")
            for columns, rows in SIZES:
                take(root, columns, rows, (), r"V2 LIVE", f"console-{columns}x{rows}.svg")
            take(root, 80, 24, ("R",), r"\barmed\b", "rollback-80x24.svg")
            take(root, 80, 24, (), r"way back", "wall-80x24.svg", "wall")
        finally:
            run(root, "demo", str(root), "--stop")
    finally:
        shutil.rmtree(root)


def run(root: Path, *words: str) -> None:
    """One command on the demo; a failure ends the whole."""
    subprocess.run([*COMMAND, "--root", str(root), *words], check=True, stdout=subprocess.DEVNULL)


def take(root: Path, columns: int, rows: int, keys: tuple[str, ...], pattern: str, name: str, *words: str) -> None:
    """Open the console (or what ``words`` ask for), press keys, wait until the screen shows ``pattern``, write it."""
    terminal = Terminal(
        [*COMMAND, "--root", str(root), *words], cwd=root, columns=columns, rows=rows, env={"COLORTERM": "truecolor"}
    )
    try:
        terminal.wait_for("LIVE")
        terminal.keys(*keys)
        terminal.wait_for(pattern)
        time.sleep(2.0)  # a picture of a calm moment: two more samples
        screen = terminal.screen(colours=True)
    finally:
        terminal.close()
    (HERE / name).write_text(as_svg(screen, columns), encoding="utf-8")
    print(f"docs/{name}")


def as_svg(screen: str, columns: int) -> str:
    """The screen as one file without any outside request."""
    console = Console(width=columns, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen.rstrip("\n")), end="", no_wrap=True, crop=True)
    svg = console.export_svg(title="abaco-ops", theme=THEME, unique_id="console")
    return re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)


if __name__ == "__main__":
    main()
