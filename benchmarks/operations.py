"""Where the time of a cutover and of a rollback goes, on a fresh demo.

    python benchmarks/operations.py [--rounds 3]

Each round cuts the demo over and rolls it back through the command line, as an operator would, and prints the
median seconds of every step as its journal recorded them. The last column is the share of the whole.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "tui.main")
BARS = {"cutover": 10.0, "rollback": 3.0}
"""Seconds from the confirming Enter to the verified release that the project promises for the demo."""


def main() -> int:
    """Run the rounds and print the table; exit 1 when a median misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="abaco-bench-") as directory:
        root = Path(directory) / "demo"
        _run(root, "demo", str(root), "--no-console")
        try:
            results = [(kind, _operate(root, kind)) for _ in range(rounds) for kind in ("cutover", "rollback")]
        finally:
            _run(root, "demo", str(root), "--stop")
    missed = [kind for kind in BARS if not _print_table(kind, [result for name, result in results if name == kind])]
    return 1 if missed else 0


def _run(root: Path, *words: str) -> str:
    done = subprocess.run(
        [*COMMAND, "--root", str(root), *words], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _operate(root: Path, kind: str) -> dict[str, Any]:
    began = time.monotonic()
    answer: dict[str, Any] = json.loads(_run(root, kind, "--yes", "--reason", "benchmark", "--json"))
    answer["command_seconds"] = time.monotonic() - began
    return answer


def _print_table(kind: str, results: list[dict[str, Any]]) -> bool:
    whole = statistics.median(result["seconds"] for result in results)
    print(f"\n{kind}: median of {len(results)}; bar {BARS[kind]:.0f} s")
    print(f"  {'step':<34} {'seconds':>8}  share")
    for index, step in enumerate(results[0]["steps"]):
        seconds = statistics.median(result["steps"][index]["seconds"] or 0.0 for result in results)
        print(f"  {step['name']:<34} {seconds:>8.3f}  {seconds / whole:>5.0%}")
    command = statistics.median(result["command_seconds"] for result in results)
    print(f"  {'accepted to verified':<34} {whole:>8.3f}")
    print(f"  {'whole command, start-up included':<34} {command:>8.3f}")
    return whole < BARS[kind]


if __name__ == "__main__":
    raise SystemExit(main())
