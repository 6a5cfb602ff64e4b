"""The command among the words of a command line: asked before anything else is loaded."""

from __future__ import annotations

from collections.abc import Sequence

VALUED = ("--root", "--theme", "--colors", "--glyphs")
"""Options whose value is the next word."""


def command_word(arguments: Sequence[str]) -> str | None:
    """The command among ``arguments``: the first word that is no option and not the value of ``--root`` or another."""
    words = iter(arguments)
    for word in words:
        if word in VALUED:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None
