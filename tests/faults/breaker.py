"""The breaker from Python: built once, preloaded, armed in the process that is to be broken."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("breaker.c")
PRELOAD = "LD_PRELOAD"
HOW: dict[str, tuple[int, bool]] = {
    "kill": (-1, False),
    "power": (-2, False),
    "ENOSPC": (errno.ENOSPC, False),
    "EIO": (errno.EIO, False),
    "full": (errno.ENOSPC, True),
}
"""``full``: from that call on nothing can be written, until something is removed."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes a file below the watched directory; paths are relative to it."""

    number: int
    name: str
    path: str
    other: str


def build(directory: Path) -> Path:
    """Compile it. RuntimeError with the compiler's words."""
    library = directory / "breaker.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"{SOURCE} does not compile: {made.stderr}")
    return library


def preloaded(command: list[str]) -> None:
    """Start this program once more with the breaker in it; returns when it is in already."""
    if "breaker.so" in os.environ.get(PRELOAD, ""):
        del os.environ[PRELOAD]  # not for the children
        return
    library = build(Path(tempfile.mkdtemp(prefix="breaker-")))
    os.execve(sys.executable, [sys.executable, *command], {**os.environ, PRELOAD: str(library)})


def arm(root: Path, at: int, how: str, log: int = -1, power: int = -1) -> None:
    """From now on break call ``at`` (1 is the next; 0 none) of this process; ``log`` gets a line for each call."""
    number, full = HOW[how]
    _library().breaker_arm(os.fsencode(root), ctypes.c_long(at), number, int(full), log, power)


def disarm() -> int:
    """Break nothing more; how many calls there were."""
    return int(_library().breaker_disarm())


def read_log(text: str, root: Path) -> list[Call]:
    """The calls that a log tells of."""
    calls = []
    for line in text.splitlines():
        number, name, path, other = line.split("\t")
        calls.append(Call(int(number), name, *(item.removeprefix(f"{root}/") for item in (path, other))))
    return calls


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    library.breaker_disarm.restype = ctypes.c_long
    return library
