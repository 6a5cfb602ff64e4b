"""Work apart from the event loop: a plain thread, and a message that brings the answer back.

Not Textual's own workers: those wait on the event loop, which stands still when nobody reads the terminal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from textual.message import Message

from engine.errors import OpsError
from tui.given_back import give_back

T = TypeVar("T")


class Answered(Message):
    """Work is done; ``deliver`` says so to whoever asked."""

    def __init__(self, deliver: Callable[[], object]) -> None:
        super().__init__()
        self.deliver = deliver


def run_apart(
    work: Callable[[], T],
    done: Callable[[T], object],
    failed: Callable[[str], object],
    send: Callable[[Message], object],
) -> None:
    """Run ``work`` in a thread of its own; ``done`` gets its answer, ``failed`` the sentence why there is none."""

    def run() -> None:
        try:
            answer = work()
        except OpsError as error:
            reason = error.what
            send(Answered(lambda: failed(reason)))
        except Exception as error:  # said on the screen: the console goes on
            reason = f"{type(error).__name__}: {error}"
            send(Answered(lambda: failed(reason)))
        else:
            send(Answered(lambda: done(answer)))
        give_back()

    threading.Thread(target=run, name="console-action", daemon=True).start()
