"""The HTML file in a real browser: it loads nothing, breaks nowhere, can be scrubbed, and is whole on paper."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from night_on_record import HOUR, Night, alert, fires

from engine.reports.publish import write_report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt package chromium)")


@pytest.fixture
def page(night: Night, tmp_path: Path) -> Iterator[Browser]:
    """The report of a night with a long note, a gap and an alert."""
    night.cut_over()
    night.event("note", text="<script>document.title='broken'</script> " + "x" * 300)
    since = night.clock.now().wall
    conditions = fires("MEM", night.evaluation().conditions)
    night.hour(word="INVESTIGATE", why="MEM 612 MB, above 500", conditions=conditions, alerts=(alert("MEM", since),))
    night.hour(None, sampled=False)
    for _ in range(22):
        night.hour()
    night.clock.advance(10.0)
    done = write_report(night.deployment, night.clock, "24h", forms=("html",))
    browser = Browser(tmp_path / "profile")
    try:
        browser.open(done.paths[0])
        yield browser
    finally:
        browser.close()


def test_the_file_stands_alone_is_scrubbed_by_keys_and_prints_whole(page: Browser) -> None:
    # one browser for all of it: starting one takes longer than everything else here
    assert page.value("document.documentElement.className") == "scripted"
    asked = [request["request"]["url"] for request in page.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("file:")] == [] and len(asked) == 1
    assert page.told("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert page.value("document.title").startswith("Hour 24 report")

    _scrub(page)
    _gap(page)
    _on_paper(page)
    assert page.told("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert len(page.told("Network.requestWillBeSent")) == 1


def _verdict(page: Browser) -> str:
    return str(page.value("document.querySelector('[data-field=verdict]').textContent"))


def _at(page: Browser, hours: float) -> None:
    page.value(
        "var r = JSON.parse(document.getElementById('records').textContent);"
        f"var s = document.getElementById('scrub'); s.value = (r.cutover + {hours * HOUR}) / r.seconds * 1000;"
        "s.dispatchEvent(new Event('input'))"
    )


def _scrub(page: Browser) -> None:
    """Each moment shows the console of that moment; the arrows go from one to the next, with Shift to an event."""
    assert _verdict(page) == "CONTINUE"
    _at(page, 0.8)
    assert _verdict(page) == "INVESTIGATE"
    assert page.value("document.querySelector('tr[data-row=INVESTIGATE]').className") == "active"
    assert page.value("document.getElementById('now-offset').textContent").startswith("T+0:4")
    before = page.value("document.getElementById('cursor').getAttribute('x1')")
    page.key("ArrowRight")
    assert float(page.value("document.getElementById('cursor').getAttribute('x1')")) > float(before)
    page.key("ArrowLeft", modifiers=8)
    assert "document.title='broken'" in page.value(
        "document.querySelector('#now-events .fresh:last-child').textContent"
    )


def _gap(page: Browser) -> None:
    """Where nothing was kept nothing is shown, least of all what was true before."""
    for hours in (1.2, 1.6):  # just after the last state, and long after it
        _at(page, hours)
        assert _verdict(page) == "UNKNOWN"
        assert page.value("document.querySelector('[data-field=\"kpi:PAR30\"]').textContent") == "-"


def _on_paper(page: Browser) -> None:
    """Nothing is wider than the sheet, and every page is A4."""
    page.ask("Emulation.setEmulatedMedia", media="print")
    page.ask("Emulation.setDeviceMetricsOverride", width=695, height=1000, deviceScaleFactor=1, mobile=False)
    assert page.value("document.documentElement.scrollWidth") <= 695
    every = "[...document.querySelectorAll('table, svg, p, dl')]"
    wide = f"{every}.filter(e => e.scrollWidth > 695 || e.getBoundingClientRect().right > 696).length"
    assert page.value(wide) == 0
    assert page.value("getComputedStyle(document.querySelector('.controls')).display") == "none"
    page.ask("Emulation.clearDeviceMetricsOverride")
    data = page.pdf()
    boxes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data + _inflated(data)))
    assert boxes and all(abs(float(w) - 595) < 2 and abs(float(h) - 842) < 2 for w, h in boxes)


def _inflated(data: bytes) -> bytes:
    """The PDF's packed objects, where a writer keeps its page list."""
    found = b""
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            found += zlib.decompress(match[1])
        except zlib.error:
            continue
    return found
