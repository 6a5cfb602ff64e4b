"""Ways in which a file can be damaged, each by name."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    2**80,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 5000,
    "\x1b]52;c;aGk=\x07",
    "\u202e\ud800",
    "[bold]x[/bold]",
    "../../etc/passwd",
    "9999-99-99T99:99:99Z",
    "0001-01-01T00:00:00Z",
    "2026-01-31T09:12:04",
    [],
    {},
    [[]],
    {"": ""},
)
_BYTES = (b"\x00", b"\xff\xfe", b"\x1b[2J", b"\r", b"\n", b"{", b"]", b'"', b"\\", b"- ", b": ", b"&a *a", b"\xc3")


@dataclass(frozen=True, slots=True)
class Damage:
    """``do`` changes the file."""

    name: str
    do: Callable[[Path, random.Random], object]


def damages(path: Path) -> list[Damage]:
    """Those that make sense for this file; the ones that know its form come up more often."""
    plain = [
        Damage("bytes turned", lambda path, rng: _bytes(path, rng, _turned)),
        Damage("bytes put in", lambda path, rng: _bytes(path, rng, _put_in)),
        Damage("a piece cut out", lambda path, rng: _bytes(path, rng, _cut_out)),
        Damage("a piece doubled", lambda path, rng: _bytes(path, rng, _doubled)),
        Damage("its end cut off", lambda path, rng: _bytes(path, rng, _cut_off)),
        Damage("empty", lambda path, _: path.write_bytes(b"")),
        Damage("zeros", lambda path, _: path.write_bytes(bytes(path.stat().st_size))),
        Damage("gone", lambda path, _: path.unlink()),
        Damage("a directory", _directory),
        Damage("a link to itself", _link),
    ]
    if path.suffix in (".json", ".jsonl", ".id"):
        return plain + [Damage("a JSON value exchanged", _json)] * 12
    if path.suffix in (".yml", ".yaml"):
        return plain + [Damage("a YAML value exchanged", _yaml)] * 8
    return plain


def _bytes(path: Path, rng: random.Random, change: Callable[[bytearray, random.Random], None]) -> None:
    data = bytearray(path.read_bytes())
    change(data, rng)
    path.write_bytes(bytes(data))


def _turned(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)


def _put_in(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(_BYTES) * rng.choice((1, 1, 1, 50))


def _cut_out(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.choice((1, 5, 100, 5000))]


def _doubled(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = data[at : at + rng.choice((1, 20, 1000))]


def _cut_off(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _directory(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _json(path: Path, rng: random.Random) -> None:
    """One value of one line, wherever it stands."""
    lines = path.read_text(errors="replace").split("\n")
    whole = path.suffix == ".json"
    index = 0 if whole else rng.choice([at for at, line in enumerate(lines) if line.strip()] or [0])
    text = "\n".join(lines) if whole else lines[index]
    try:
        value = json.loads(text)
    except ValueError:
        return
    places = list(_places(value))
    if not places:
        return
    holder, key = rng.choice(places)
    if rng.random() < 0.15:
        del holder[key]
    else:
        holder[key] = rng.choice(_ODD)
    written = json.dumps(value)
    if whole:
        path.write_text(written)
    else:
        lines[index] = written
        path.write_text("\n".join(lines))


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        found.append((value, key))
        found += _places(inner)
    return found


def _yaml(path: Path, rng: random.Random) -> None:
    """What stands behind one colon."""
    lines = path.read_text().split("\n")
    places = [at for at, line in enumerate(lines) if re.match(r"\s*[\w.-]+: \S", line)]
    if not places:
        return
    at = rng.choice(places)
    key = lines[at].partition(":")[0]
    odd = rng.choice(_ODD)
    text = json.dumps(odd) if not isinstance(odd, float) else repr(odd)
    lines[at] = f"{key}: {rng.choice((text, text, '1e99', '-5s', '0s', '1PB', '*a', '!!python/object:x.y {}'))}"
    path.write_text("\n".join(lines), errors="surrogatepass")
