"""The screen as evidence: taken on the event loop, which is short, and drawn and written apart from it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment, Segments

from engine.clock import iso
from engine.state.kept_screen import Shot

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
"""What a picture would fetch from elsewhere: evidence needs nothing but itself."""


def save_evidence(app: ConsoleApp) -> None:
    """Keep what is on the screen; says where."""
    segments, (width, height) = _segments(app), app.size
    state, view = app.shown_state, _CAPITAL.sub("-", type(app.screen).__name__.removesuffix("Screen")).lower()
    told = {
        "screen": view,
        "size": f"{width}x{height}",
        "shown_at": iso(app.look.now),
        "verdict": state.verdict.word if state is not None else "UNKNOWN",
        "release": (state.release or "") if state is not None else "",
        "operation": state.operation.id if state is not None and state.operation is not None else "",
    }

    def keep() -> str:
        picture, text = drawn(segments, width, height, app.title)
        return app.actions.keep_screen(Shot(picture=picture, text=text, replay=app.replay is not None, **told))

    app.say("the evidence is being saved", "dim")
    app.background(
        keep, lambda said: app.say(said, seconds=20.0), lambda why: app.say(f"no evidence saved: {why}", "crit")
    )


def _segments(app: ConsoleApp) -> list[Segment]:
    """Every cell of the screen in front, as it would be painted now."""
    console = Console(width=app.size.width, height=app.size.height, file=io.StringIO(), force_terminal=True)
    update = app.screen._compositor.render_update(full=True)
    return [segment for segment in console.render(update) if not segment.control] if update is not None else []


def drawn(segments: list[Segment], width: int, height: int, title: str) -> tuple[str, str]:
    """The picture (SVG that needs nothing from elsewhere), and the text without blanks at the ends of lines."""
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    console.print(Segments(segments), end="")
    text = "\n".join(line.rstrip() for line in console.export_text(clear=False).splitlines())
    return _FONT_FACE.sub("", console.export_svg(title=title)), text
