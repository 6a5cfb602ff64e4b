"""A command of ``abaco-ops`` in the test's own process, where the command line itself is not what is tested."""

from __future__ import annotations

import contextlib
import io
import subprocess

from engine.cli import frame


def here(*words: str) -> subprocess.CompletedProcess[str]:
    """What it says and how it ends, as of a program of its own; an interpreter less to start."""
    told = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    with contextlib.redirect_stdout(told[0]), contextlib.redirect_stderr(told[1]):
        try:
            code = frame.main(words, lambda *_: 99)
        except SystemExit as left:  # what it was asked cannot be understood
            code = int(left.code or 0)
    said, trouble = (stream.buffer.getvalue().decode() for stream in told)  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(words, code, said, trouble)
