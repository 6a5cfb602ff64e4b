"""Damages one file of a deployment at a time, and asks every command that looks, in a process of its own.

    python tests/fuzz/fuzz.py --seconds 600          prints what was asked, and each mistake with its seed
    python tests/fuzz/fuzz.py --seed 17 --cases 1    one case again
    python tests/fuzz/fuzz.py --commit --seconds 20  other cases for each commit

A deployment that has seen a cutover, validations and a rollback is made once. A case changes one of its files: bytes
turned, cut out, doubled, put in; its end cut off; values of JSON and YAML exchanged for odd ones; or the file is gone,
empty, zeros, a directory, a link to itself. Then each command, and a sample of the monitor, must end by themselves
within their time, with a documented exit code, never with "a mistake in abaco-ops itself", and print no control
character. Exit 1 when one does not.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from damage import Damage, damages  # noqa: E402

MONITOR = ("(a sample of the monitor)",)
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("status", "--json"),
    ("status", "--update"),
    ("doctor",),
    ("history",),
    ("history", "0001-cutover"),
    ("snapshots",),
    ("checklist",),
    ("gate",),
    ("ready",),
    ("watch",),
    ("why", "MEM"),
    ("why",),
    ("kpi",),
    ("audit", "verify"),
    ("rollback", "--dry-run"),
    ("cutover", "--dry-run"),
    ("service", "status"),
    ("replay", "--at=-10s"),
    ("report", "--at", "now", "--format", "both"),
    ("silence", "--list"),
    MONITOR,
)
CODES = frozenset(range(6))
WITHIN = 60.0
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="begin no case after this time")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--commit", action="store_true", help="begin at a seed that the present commit gives")
    options = parser.parse_args()
    first = options.seed + (_of_commit() if options.commit else 0)
    with tempfile.TemporaryDirectory(prefix="abaco-fuzz-") as directory:
        whole = Path(directory) / "whole"
        lay(whole)
        began = time.monotonic()
        codes, files, mistakes, cases = Counter[int](), Counter[str](), [], 0
        while cases < options.cases and time.monotonic() - began < options.seconds:
            found = case(whole, Path(directory) / "case", first + cases, codes, files)
            mistakes += found
            cases += 1
            for words in found:
                print(words, flush=True)
    print(f"cases {cases} from seed {first}  commands {sum(codes.values())}  files {len(files)}")
    print("exit codes", dict(sorted(codes.items())))
    print(f"mistakes {len(mistakes)}  seconds {time.monotonic() - began:.0f}")
    return 1 if mistakes else 0


def _of_commit() -> int:
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    return int(found.stdout[:7] or "0", 16)


def lay(root: Path) -> None:
    """A deployment with every kind of record, at rest."""

    def ops(*words: str) -> None:
        command = [sys.executable, "-m", "tui.main", "--root", str(root), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=HERE.parents[1])

    ops("demo", str(root), "--no-console")
    try:
        ops("validate")
        ops("watch", "take")
        ops("cutover", "--yes", "--reason", "planned")
        ops("ack", "MEM", "--reason", "known", "--early", "--for", "1h")
        ops("silence", "LAT", "--for", "1h", "--reason", "known")
        ops("note", "a note")
        ops("rollback", "--yes", "--reason", "tried")
        ops("report", "--at", "incident")
    finally:
        ops("demo", str(root), "--stop")


def case(whole: Path, place: Path, seed: int, codes: Counter[int], files: Counter[str]) -> list[str]:
    """One damage, every command; what was wrong, in words."""
    rng = random.Random(seed)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place, symlinks=True)
    paths = sorted(path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    path = _chosen(paths, place, rng)
    damage: Damage = rng.choice(damages(path))
    name = path.relative_to(place).as_posix()
    damage.do(path, rng)
    files[name] += 1
    found = []
    for command in COMMANDS:
        code, said = asked(place, command)
        codes[code] += 1
        if wrong := verdict(code, said):
            shown = " | ".join(said.strip().splitlines()[-2:])[:300]
            found.append(f"seed {seed}  {name}: {damage.name}  {' '.join(command)}: {wrong}: {shown!r}")
    return found


def _chosen(paths: list[Path], root: Path, rng: random.Random) -> Path:
    """Kinds of files come up alike, however many there are of one."""
    kinds: dict[str, list[Path]] = {}
    for path in paths:
        kinds.setdefault(re.sub(r"[0-9a-f]*\d[0-9a-f]*", "#", path.relative_to(root).as_posix()), []).append(path)
    return rng.choice(kinds[rng.choice(sorted(kinds))])


def verdict(code: int, said: str) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if code not in CODES:
        return f"ended with {code}"
    if "a mistake in abaco-ops itself" in said or "Traceback" in said:
        return "is a mistake of its own"
    if control := _CONTROL.search(said):
        return f"prints {control[0]!r}"
    return ""


def asked(root: Path, words: tuple[str, ...]) -> tuple[int, str]:
    """The exit code and everything printed, from a child made by fork: imports are paid for once."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.dup2(write, 1)
        os.dup2(write, 2)
        os._exit(_answer(root, words))
    os.close(write)
    return _collected(pid, read)


def _answer(root: Path, words: tuple[str, ...]) -> int:
    from engine.cli.frame import main as answer
    from engine.errors import OpsError
    from engine.monitoring.loop import watch

    signal.alarm(int(WITHIN))  # an endless loop dies of it
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    no_console: Callable[..., int] = lambda *_, **__: 0  # noqa: E731
    try:
        if words == MONITOR:
            watch(root, threading.Event(), ticks=1)
            code = 0
        else:
            code = answer(["--root", str(root), *words], no_console)
    except OpsError as error:
        code = error.exit_code
    except SystemExit as error:
        code = int(error.code or 0)
    except BaseException as error:
        sys.stderr.write(f"Traceback: {error!r}\n")
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _collected(pid: int, read: int) -> tuple[int, str]:
    parts = []
    while part := os.read(read, 1 << 16):
        parts.append(part)
    os.close(read)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), b"".join(parts).decode("utf-8", "backslashreplace")


if __name__ == "__main__":
    raise SystemExit(main())
