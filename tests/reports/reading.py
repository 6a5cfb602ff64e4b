"""A report as its readers meet it: the Markdown's tables as rows, the HTML's elements as a parser sees them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from night_on_record import Night

from engine.reports.found import look
from engine.reports.publish import rendered


def made(night: Night, at: str | None, incident: str = "") -> tuple[str, str]:
    """Markdown and HTML."""
    texts = rendered(look(night.deployment, night.clock, at, incident), ("md", "html"))
    return texts["md"], texts["html"]


def chapter(markdown: str, title: str) -> str:
    """The text of one chapter."""
    return markdown.partition(f"## {title}")[2].partition("\n## ")[0]


def rows(markdown: str, title: str) -> list[list[str]]:
    """The rows of a chapter's tables."""
    lines = [line for line in chapter(markdown, title).splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]


class Parsed(HTMLParser):
    """Every element and what stands in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def records(html: str) -> dict[str, Any]:
    """What the script is given."""
    block = html.partition('<script type="application/json" id="records">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(block)
    return found
