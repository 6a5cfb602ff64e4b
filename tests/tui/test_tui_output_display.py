"""Where the differ stands in for Textual, and where it leaves the terminal to it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.segment import Segment
from textual._compositor import InlineUpdate, LayoutUpdate
from textual.geometry import Offset, Region, Size
from textual.strip import Strip

from tui.output import display
from tui.output.display import Display

WORDS = "steady as she goes"


def update(words: str = WORDS) -> LayoutUpdate:
    return LayoutUpdate([[Strip([Segment(words)])]], Region(0, 0, len(words), 1))


class Driver:
    is_inline = False

    def __init__(self) -> None:
        self.written: list[str] = []
        self._writer_thread = object()

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        pass


def an_app(**more: Any) -> Any:
    console = Console(color_system="truecolor", force_terminal=True, file=io.StringIO())
    fields = {
        "_batch_count": 0,
        "_running": True,
        "_closed": False,
        "is_headless": False,
        "_driver": Driver(),
        "_sync_available": True,
        "cursor_position": Offset(0, 0),
        "screen": SimpleNamespace(outer_size=Size(80, 24)),
        "console": console,
        "log": lambda *_: None,
        "post_display_hook": lambda: None,
    }
    return SimpleNamespace(**{**fields, **more})


def test_the_second_time_nothing_is_written() -> None:
    shown, app = Display(True), an_app()
    assert shown.show(app, update())
    assert shown.show(app, update())
    assert app._driver.written == [f"\x1b[H{WORDS}\x1b[H"]


def test_a_long_update_is_a_synchronized_one() -> None:
    shown, app = Display(True), an_app()
    shown.show(app, update("x" * 600))
    assert app._driver.written[0].startswith("\x1b[?2026h")
    assert app._driver.written[0].endswith("\x1b[?2026l")


@pytest.mark.parametrize("version", ["8.2.7", "8.3.0", "9.0.0"])
def test_on_another_version_textual_paints(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "version_in_use", lambda _: version)
    assert not Display(True).show(an_app(), update())


@pytest.mark.parametrize("written", [[], ["8.2.7", "8.2.8"]], ids=str)
def test_where_one_name_does_not_say_it_the_version_is_asked_for(
    written: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in written:
        (tmp_path / f"textual-{version}.dist-info").mkdir()
    monkeypatch.setattr(display.textual, "__version__", "8.9")
    assert display.version_in_use(tmp_path / "textual") == "8.9"
    assert display.version_in_use(tmp_path / "nowhere" / "textual") == "8.9"


def test_the_version_is_the_one_that_is_installed(tmp_path: Path) -> None:
    (tmp_path / "textual-9.1.0.dist-info").mkdir()
    (tmp_path / "textual_plotext-1.0.dist-info").mkdir()
    assert display.version_in_use(tmp_path / "textual") == "9.1.0"
    code = (
        "import sys; from tui.output.display import Display; Display(True);"
        "asked = 'importlib.metadata' in sys.modules; import textual, tui.output.display as display;"
        "from pathlib import Path; same = display.version_in_use(Path(textual.__file__).parent) == textual.__version__;"
        "print(asked, same)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_switched_off_textual_paints() -> None:
    assert not Display(False).show(an_app(), update())


@pytest.mark.parametrize(
    "more",
    [{"_batch_count": 1}, {"_running": False}, {"_closed": True}, {"is_headless": True}, {"_driver": None}],
    ids=str,
)
def test_where_nothing_may_be_painted_it_paints_nothing(more: dict[str, Any]) -> None:
    assert not Display(True).show(an_app(**more), update())


def test_inline_and_updates_of_another_kind_are_left_to_textual_and_all_is_forgotten() -> None:
    shown, app = Display(True), an_app()
    shown.show(app, update())
    assert not shown.show(app, InlineUpdate([]))
    assert shown.show(app, update())
    app._driver.is_inline = True
    assert not shown.show(app, update())
    app._driver.is_inline = False
    assert shown.show(app, update())
    assert app._driver.written == [f"\x1b[H{WORDS}\x1b[H"] * 3


def test_after_a_suspension_everything_is_sent_again() -> None:
    shown, app = Display(True), an_app()
    shown.show(app, update())
    app._driver._writer_thread = object()  # the driver began anew, on a cleared screen
    shown.show(app, update())
    assert app._driver.written[0] == app._driver.written[1]


def test_ctrl_l_and_a_resize_send_everything_again() -> None:
    shown, app = Display(True), an_app()
    shown.show(app, update())
    shown.forget()
    shown.show(app, update())
    assert app._driver.written[0] == app._driver.written[1]


def test_a_mistake_of_its_own_leaves_the_terminal_to_textual_for_good() -> None:
    shown, app = Display(True), an_app()
    broken = update()
    broken.strips = None  # type: ignore[assignment]
    assert not shown.show(app, broken)
    assert not shown.show(app, update())
    assert app._driver.written == []
