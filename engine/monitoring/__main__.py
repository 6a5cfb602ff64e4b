"""``python -m engine.monitoring --root DIR``: the headless monitor."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import DONE, OpsError
from engine.monitoring.loop import stopping_on_signals, watch


def main() -> int:
    """Watch until a signal; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.monitoring")
    parser.add_argument("--root", type=Path, required=True)
    root: Path = parser.parse_args().root
    with stopping_on_signals() as stop:
        try:
            watch(root.resolve(), stop)
        except OpsError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
    return DONE


if __name__ == "__main__":
    raise SystemExit(main())
