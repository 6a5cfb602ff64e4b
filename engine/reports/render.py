"""A report as Markdown or HTML. Whatever a template prints passes one gate: no text of the records is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.records import harmless
from engine.reports import night
from engine.reports.compose import MEASURED
from engine.reports.document import Document
from engine.reports.found import Found
from engine.reports.timeline import timeline

if TYPE_CHECKING:  # loaded when a report is made: nothing else pays for it
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 4000
SHORT, LONG_WORD = 17, 28
"""Characters of a cell that stays on one line, and of a word that may be broken anywhere."""
_SPECIAL = re.compile(r"([\\`*\[\]<>|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+-](?= )|:(?=//))")


def html(document: Document, found: Found) -> str:
    """One file that needs nothing else: styles, drawing and script inside, and no leave to load anything."""
    from markupsafe import Markup

    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    frame = found.state or (found.frames[-1] if found.frames else None)
    shown = night.texts(found, frame) if frame is not None and found.state is not None else {}
    return (
        environment("html")
        .get_template("report.html.j2")
        .render(
            document=document,
            measured=MEASURED,
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=digest,
            timeline=Markup(timeline(found)),  # noqa: S704 - every attribute and text is escaped there
            night=Markup(night.block(found)),  # noqa: S704 - made safe there
            panel=_panel(found, shown),
            moment=f"{found.span.end:%d %b %Y %H:%M:%SZ}",
            named=found.span.named(found.span.end),
            frames=len(found.frames),
        )
    )


def markdown(document: Document, found: Found) -> str:
    """The same words as plain text; the time line is drawn in the HTML file only."""
    told = environment("md").get_template("report.md.j2").render(document=document, measured=MEASURED, found=found)
    return re.sub(r"\n{3,}", "\n\n", told).rstrip() + "\n"


def escaped(value: object) -> str:
    """A text inside Markdown: what would be markup, or a link, is said as it is."""
    text = harmless(value, LONGEST).replace("&", "&amp;")
    return _SPECIAL.sub(
        lambda match: "&lt;" if match[1] == "<" else "&gt;" if match[1] == ">" else f"\\{match[1]}", text
    )


@cache
def environment(kind: str) -> Environment:
    """The templates, for ``html`` or ``md``: whatever they print is escaped, and made harmless, by it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=kind == "html",  # noqa: S701 - Markdown has an escape of its own, which finalize applies
        finalize=_visible if kind == "html" else _plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["width"] = width
    return made


def width(cell: str) -> str:
    """How a cell may be broken: ``short`` not at all, ``long`` anywhere, else between words."""
    if len(cell) <= SHORT:
        return "short"
    return "long" if max(len(word) for word in cell.split()) > LONG_WORD else ""


def _visible(value: Any) -> Any:
    """Before autoescape: controls and bidirectional marks become visible."""
    return value if hasattr(value, "__html__") else harmless(value, LONGEST)


def _plain(value: Any) -> Any:
    return value if hasattr(value, "__html__") else escaped(value)


def _panel(found: Found, shown: dict[str, str]) -> dict[str, Any]:
    """What the console showed at the moment, in its own order; the script puts other moments in its place."""
    kpis = found.deployment.kpis.kpis
    rows = found.deployment.monitoring.matrix
    return {
        "fields": dict.fromkeys(night.fields(found), "") | shown,
        "kpis": [(name, definition.title) for name, definition in kpis.items()],
        "gauges": [(name, name) for name in night.gauges(found)],
        "rows": [row.verdict for row in rows],
        "events": [(found.span.named(at), f"{at:%H:%M:%SZ}", words) for at, _, words in night.told(found)[-8:]],
    }
