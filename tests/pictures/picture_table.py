"""Which pictures there are: every place, theme and state meets every other, and each screen is there in two sizes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from tui.themes import THEMES

STATES = ("normal", "warning", "critical", "stale", "running", "failed", "read-only")
SIZES = ((80, 24), (120, 36), (160, 45))
PLACES = (*(("dashboard", size) for size in SIZES), ("wall", (80, 24)), ("wall", (200, 50)))
MOST = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """One picture: a screen, how large, in which theme, of which state."""

    screen: str
    size: tuple[int, int]
    theme: str
    state: str

    @property
    def name(self) -> str:
        """Its golden file, without the ending."""
        return f"{self.screen}-{self.size[0]}x{self.size[1]}-{self.theme}-{self.state}"


def everywhere() -> tuple[Wanted, ...]:
    """Dashboard and wall: each state at each place, the themes going round, so that every two of them meet."""
    themes = tuple(THEMES)
    return tuple(
        Wanted(screen, size, themes[(number + turn) % len(themes)], state)
        for (number, (screen, size)), (turn, state) in product(enumerate(PLACES), enumerate(STATES))
    )


TWICE: dict[str, tuple[str, str]] = {
    "operation": ("running", "failed"),
    "kpis": ("critical", "stale"),
    "checklist": ("stale", "read-only"),
    "matrix": ("stale", "critical"),
    "log": ("normal", "warning"),
    "validation": ("critical", "stale"),
    "plots": ("critical", "stale"),
    "cutover": ("before", "before"),
    "rollback": ("warning", "stale"),
}
"""Screens at 80x24 and at a larger size, each time in a state in which they have much to say."""
ONCE = {
    "conditions": "stale",
    "evidence": "critical",
    "way-back": "stale",
    "snapshots": "read-only",
    "offer": "failed",
    "help": "normal",
}
"""Screens at 80x24 only."""
TOO_SMALL = Wanted("too-small", (60, 16), "dark", "critical")


def others() -> tuple[Wanted, ...]:
    """The other screens, themes and larger sizes going round."""
    themes, made = tuple(THEMES), []
    for number, (screen, (small, large)) in enumerate(TWICE.items()):
        made.append(Wanted(screen, SIZES[0], themes[number % len(themes)], small))
        made.append(Wanted(screen, SIZES[1 + number % 2], themes[(number + 2) % len(themes)], large))
    once = (
        Wanted(screen, SIZES[0], themes[number % len(themes)], state)
        for number, (screen, state) in enumerate(ONCE.items())
    )
    return (*made, *once)


PICTURES = (*everywhere(), *others(), TOO_SMALL)
