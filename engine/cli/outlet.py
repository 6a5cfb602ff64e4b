"""What a command writes passes here: nothing that came from outside can steer the terminal it is written to.

Each place that shows foreign text makes it harmless by itself; this is the last door, for the place that forgot.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

_SECRET = os.urandom(8).hex()
"""Foreign text cannot know it, so it cannot pass for one of our own sequences."""
_OWN = re.compile(rf"\x1b_{_SECRET};([^\x1b]*)\x1b\\")
CLEAR_LINE = "\r\x1b[K"


def own(sequence: str) -> str:
    """``sequence`` as one of our own: only so does it reach the terminal through the outlet."""
    return f"\x1b_{_SECRET};{sequence.encode().hex()}\x1b\\"


def sieved(text: str) -> str:
    """The text as the terminal gets it."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    from engine.records.harmless import harmless_lines  # plain text, which nearly all is, does not pay for it

    parts = _OWN.split(text)
    return "".join(
        bytes.fromhex(part).decode() if index % 2 else harmless_lines(part) for index, part in enumerate(parts)
    )


class _Sieve(io.RawIOBase):
    """Whole writes of a text stream, sieved, into the stream behind it."""

    def __init__(self, behind: Any, encoding: str) -> None:
        super().__init__()
        self._behind, self._encoding = behind, encoding

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._behind.isatty())

    def fileno(self) -> int:
        return int(self._behind.fileno())

    def write(self, data: Any, /) -> int:
        taken = bytes(data)
        self._behind.write(sieved(taken.decode("utf-8", "backslashreplace")).encode(self._encoding, "backslashreplace"))
        return len(taken)

    def flush(self) -> None:
        self._behind.flush()


@contextmanager
def outlet() -> Iterator[None]:
    """Standard output and error pass the sieve meanwhile; a character that the terminal lacks is sent as its code."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_behind_sieve(stream) for stream in before)
    try:
        yield
        sys.stdout.flush()
    finally:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _behind_sieve(stream: IO[str] | None) -> Any:
    if stream is None:  # it was closed before this program began: what is written goes nowhere, as asked
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - until the process ends
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    sieve = _Sieve(stream.buffer, stream.encoding)
    return io.TextIOWrapper(sieve, "utf-8", "backslashreplace", line_buffering=True)
