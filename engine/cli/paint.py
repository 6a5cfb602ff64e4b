"""Colour for words that already say it: only on a terminal, never where NO_COLOR or --colors none says so."""

from __future__ import annotations

import os
import sys

from engine.cli.outlet import own
from engine.tiers import COLORS_VARIABLE

_COLOURS = {
    "PASS": "32",
    "WARN": "33",
    "WARNING": "33",
    "NOT RUN": "33",
    "FAIL": "1;31",
    "ERROR": "1;31",
    "CRITICAL": "1;31",
    "undefined": "1;31",
}


def painted(text: str, word: str) -> str:
    """``text`` in the colour of the status ``word``; unchanged for a pipe, a file, or an unknown word."""
    colour = _COLOURS.get(word)
    asked = os.environ.get(COLORS_VARIABLE, "").lower()
    without = asked == "none" if asked else bool(os.environ.get("NO_COLOR"))
    plain = without or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if colour is None or plain else own(f"\x1b[{colour}m") + text + own("\x1b[0m")
