"""What was read for a moment is not kept: the console gives memory back when its work apart is done."""

from __future__ import annotations

import subprocess
import sys

HOLDS_AND_LETS_GO = """
import sys
from pathlib import Path
from tui.given_back import give_back

def held():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line)

many = [bytes(1000) for _ in range(40_000)]
last = bytes(1000)
full = held()
del many
freed = held()
give_back()
print(full, freed, held())
"""


def test_memory_that_was_freed_goes_back_to_the_machine() -> None:
    done = subprocess.run([sys.executable, "-c", HOLDS_AND_LETS_GO], capture_output=True, text=True, check=True)
    full, freed, after = map(int, done.stdout.split())
    assert after < freed - 20_000, (full, freed, after)
    assert freed > full - 20_000, "without it, nothing is given back"


def test_it_is_given_back_whatever_becomes_of_the_work(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import threading

    from tui import apart

    given = threading.Event()
    monkeypatch.setattr(apart, "give_back", given.set)
    apart.run_apart(lambda: 1 / 0, lambda _: None, lambda _: None, lambda _: None)
    assert given.wait(5)
