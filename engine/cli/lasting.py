"""``30m``, ``2h`` on the command line."""

from __future__ import annotations

import argparse

from engine.config.quantities import Duration


def seconds(text: str) -> float:
    """Seconds; argparse tells what would be right otherwise."""
    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is none: {error}") from error
