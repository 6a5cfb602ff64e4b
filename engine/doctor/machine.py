"""The machine and the terminal, whatever the deployment is."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from engine.clock import boot_id
from engine.doctor.finding import Finding
from engine.errors import Refused
from engine.records import harmless
from engine.tiers import COLORS, MARKS, tiers

SMALLEST = (80, 22)


def examine_machine() -> list[Finding]:
    """Python, kernel and terminal."""
    return [_python(), _kernel(), _terminal(), *_tiers()]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "WARN", f"{version} is not among the tested ones", "use Python 3.11 to 3.13")
    return Finding("python", "ok", f"{version}, {sys.executable}")


def _kernel() -> Finding:
    try:
        boot_id()
    except OSError as error:
        return Finding(
            "kernel", "FAIL", f"/proc cannot be read: {error}", "processes are told apart by it: mount /proc"
        )
    if not Path("/proc/self/stat").exists():
        return Finding("kernel", "FAIL", "/proc shows no processes", "mount it without hidepid for this account")
    return Finding("kernel", "ok", f"{os.uname().sysname} {os.uname().release}, processes can be told apart")


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", "ok", "none here; every command works without one, the console needs one")
    term = harmless(os.environ.get("TERM", ""), 40)
    if term in ("", "dumb"):
        return Finding("terminal", "FAIL", f"TERM is {term or 'not set'}", "export TERM=xterm-256color")
    if "UTF" not in (sys.stdout.encoding or "").upper():
        return Finding("terminal", "FAIL", f"it takes {sys.stdout.encoding}, not UTF-8", "export LANG=C.UTF-8")
    size = shutil.get_terminal_size()
    shown = f"{term}, {size.columns}x{size.lines}"
    if size.columns < SMALLEST[0] or size.lines < SMALLEST[1]:
        return Finding("terminal", "WARN", shown, f"the console is drawn for {SMALLEST[0]}x{SMALLEST[1]} and more")
    return Finding("terminal", "ok", shown)


def _tiers() -> list[Finding]:
    """What the console would draw with here, and why."""
    try:
        chosen = tiers(os.environ)
    except Refused as error:
        return [Finding("tiers", "FAIL", error.what, error.fix)]
    colors = f"{chosen.colors}: {harmless(chosen.colors_why, 120)}; --colors {'|'.join(COLORS)} overrides it"
    marks = f"{chosen.marks}: {harmless(chosen.marks_why, 120)}; --glyphs {'|'.join(MARKS)} overrides it"
    return [Finding("colours", "ok", colors), Finding("glyphs", "ok", marks)]
