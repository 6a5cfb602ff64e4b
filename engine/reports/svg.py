"""SVG as text: elements whose every attribute and text is escaped, and the axis that all plots of a report share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from engine.records import harmless
from engine.reports.span import Span, offset_words

WIDTH, LEFT, RIGHT = 760.0, 84.0, 84.0
_STEPS = (1, 2, 5, 10, 15, 30)
STEPS = (
    *(float(step) for step in _STEPS),
    *(60.0 * step for step in _STEPS),
    *(3600.0 * hours for hours in (1, 2, 3, 4, 6, 12, 24, 48, 96, 168)),
)
"""Distances of marks on the axis, in seconds."""
MOST_TICKS = 13


def element(name: str, *inside: str, **attributes: object) -> str:
    """One element; ``inside`` is markup already. ``cls`` is its class, ``stroke_width`` its stroke-width."""
    words = {"cls": "class"}
    shown = "".join(
        f' {words.get(key, key.replace("_", "-"))}="{escape(harmless(_plain(value), 100_000))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{shown}>{''.join(inside)}</{name}>"


def text(content: object, x: float, y: float, **attributes: object) -> str:
    """A text, escaped and made harmless."""
    return element("text", escape(harmless(content, 200)), x=x, y=y, **attributes)


def title(content: object) -> str:
    """What a pointer over the element says."""
    return element("title", escape(harmless(content, 300)))


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Axis:
    """The one time line: where a moment stands."""

    span: Span

    def x(self, moment: datetime) -> float:
        """Its place, held to the axis."""
        whole = (self.span.end - self.span.begin).total_seconds()
        share = (moment - self.span.begin).total_seconds() / whole if whole > 0 else 0.0
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> Iterator[tuple[float, str, str]]:
        """Place, offset from the cutover, time of day; without a cutover the time of day alone."""
        span = self.span
        origin, scale = (span.cutover_at, span.scale) if span.cutover_at else (_midnight(span.begin), 1.0)
        whole = (span.end - span.begin).total_seconds() * scale
        step = next((one for one in STEPS if whole / one <= MOST_TICKS), STEPS[-1])
        number = -int(-((span.begin - origin).total_seconds() * scale) // step)
        while True:
            moment = origin + timedelta(seconds=number * step / scale)
            if moment > span.end:
                return
            real = step / scale
            clock = f"{moment:%d %b}" if real >= 86400 else f"{moment:%H:%M}" if real >= 60 else f"{moment:%H:%M:%S}"
            yield self.x(moment), _offset(number * step) if span.cutover_at else "", clock
            number += 1


def _offset(seconds: float) -> str:
    words = offset_words(seconds).removesuffix(" 00:00")
    return words.removesuffix(":00") if words.startswith("T") else words


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
