"""What a screen says is true, whole and the same in each of its corners: faults that were seen in its pictures."""

from __future__ import annotations

from collections.abc import Callable

import states

from tui.app import ConsoleApp
from tui.glyphs import UNICODE
from tui.lines import Lines, plain
from tui.look import Look
from tui.panels import checklist

Make = Callable[..., ConsoleApp]
LOOK = Look(UNICODE, states.NOW)


def text(lines: Lines) -> str:
    return "\n".join(plain(line).rstrip() for line in lines)


def test_a_line_that_cannot_be_confirmed_asks_for_an_override() -> None:
    against = states.item("T+7", "leak check", "due", measured="+9.1 %/h", measured_ok=False)
    as_it_should_be = states.item("T+7", "leak check", "due", measured="+0.4 %/h", measured_ok=True)
    by_a_person = states.item("T+7", "output channels", "due")
    ends = [plain(checklist.row(entry, 40, LOOK)).split()[-1] for entry in (against, as_it_should_be, by_a_person)]
    assert ends == ["override", "confirm", "answer"]
