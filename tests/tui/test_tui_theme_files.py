"""Themes of a deployment's own: read and checked before anything is drawn; and themes changed at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.config import ConfigError, Deployment, load_deployment
from engine.errors import Refused
from tui.app import ConsoleApp
from tui.console import _brushes
from tui.pane import Pane
from tui.theme import Brushes, contrast
from tui.theme_files import themes_of
from tui.themes import THEMES

Make = Callable[..., ConsoleApp]
GOOD = """\
based_on: light
background: "#fdf6e3"
cursor: "#eee8d5"
roles:
  text: "#2b3a40"
  band-WATCH: "#000000 on #f0c000"
"""


def write(config: Path, text: str, name: str = "paper") -> None:
    (config / "themes").mkdir(exist_ok=True, parents=True)
    (config / "themes" / f"{name}.yml").write_text(text, encoding="utf-8")


def refused(config: Path, text: str) -> str:
    write(config, text)
    with pytest.raises(ConfigError) as error:
        themes_of(config, "paper")
    return str(error.value)


def test_a_theme_says_only_what_differs_from_the_one_it_is_based_on(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    theme = themes_of(tmp_path, "paper")["paper"]
    assert (theme.background, theme.cursor) == ("#fdf6e3", "#eee8d5")
    assert theme.inks["text"].color == "#2b3a40"
    band = theme.inks["band-WATCH"]
    assert (band.color, band.background, band.bold) == ("#000000", "#f0c000", True)
    assert theme.inks["crit"] == THEMES["light"].inks["crit"]


def test_the_four_need_no_file_and_an_empty_file_is_none_of_them(tmp_path: Path) -> None:
    assert list(themes_of(tmp_path, "dark")) == ["dark", "light", "wall", "high-contrast"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("text:", "txet:"), "paper.yml:5: roles.txet: is no role; did you mean text?"),
        (("text:", "sky:"), "paper.yml:5: roles.sky: is no role; roles: text, dim,"),
        (('"#2b3a40"', '"blue"'), "paper.yml:5: roles.text: is 'blue', which is no colour; quote it: "),
        (('"#2b3a40"', "#2b3a40"), "paper.yml:5: roles.text: is empty, which is no colour; quote it: "),
        (("on #f0c000", "on yellow"), "paper.yml:6: roles.band-WATCH: is 'yellow', which is no colour"),
        (("#2b3a40", "#b8b8b8"), "paper.yml:5: roles.text: #b8b8b8 on the background #fdf6e3 has a contrast of 1.8"),
        (("#000000 on", "#806000 on"), "roles.band-WATCH: #806000 on its own #f0c000 has a contrast of 3."),
        (('background: "#fdf6e3"', 'background: "#101010"'), "paper.yml:2: background: role dim: "),
        (("based_on: light", "based_on: sepia"), "paper.yml:1: based_on: is 'sepia'; one of dark, light, wall, high-"),
        (("cursor:", "curser:"), "paper.yml:3: curser: is not a known key; known keys: based_on, background,"),
        ((GOOD, "- a"), "paper.yml:1: is no theme; expected the keys based_on"),
        ((GOOD, "roles: [a"), "paper.yml:2: is not YAML"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_to_do(tmp_path: Path, changed: tuple[str, str], said: str) -> None:
    assert GOOD.count(changed[0]) == 1
    told = refused(tmp_path, GOOD.replace(*changed))
    assert said in told and "or start with --theme dark" in told


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, GOOD.replace("text:", "txet:").replace("on #f0c000", "on nothing"))
    assert "2 mistakes" in told


def test_a_file_may_not_take_the_name_of_one_of_the_four(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "light")
    assert themes_of(tmp_path, "dark")["light"] == THEMES["light"]
    with pytest.raises(ConfigError, match="has the name of the built-in theme light"):
        themes_of(tmp_path, "light")


def test_a_broken_file_that_was_not_asked_for_does_not_bar_the_console(tmp_path: Path) -> None:
    write(tmp_path, "roles: [")
    assert "paper" not in themes_of(tmp_path, "dark")


def test_an_unknown_theme_is_refused_with_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(Refused) as error:
        themes_of(tmp_path, "papre")
    assert "there is no theme 'papre'" in str(error.value) and "did you mean paper?" in str(error.value)


@pytest.fixture
def configured(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Brushes]:
    """The brushes of a console whose configuration and environment say this."""

    def made(theme: str = "", **environment: str) -> Brushes:
        monkeypatch.delenv("ABACO_OPS_THEME", raising=False)
        for name, value in {"TERM": "xterm-256color", **environment}.items():
            monkeypatch.setenv(name, value)
        path = deployment.paths.config / "console.yml"
        text = path.read_text(encoding="utf-8")
        if theme:
            assert text.count("  theme: dark ") == 1
            path.write_text(text.replace("  theme: dark ", f"  theme: {theme} "), encoding="utf-8")
        return _brushes(load_deployment(deployment.root))

    return made


def test_the_configuration_chooses_and_this_call_overrules_it(configured: Callable[..., Brushes]) -> None:
    brushes = configured("light")
    assert (brushes.screen.theme.name, brushes.wall.theme.name) == ("light", "wall")
    brushes = configured(ABACO_OPS_THEME="high-contrast")
    assert (brushes.screen.theme.name, brushes.wall.theme.name) == ("high-contrast", "high-contrast")


def test_a_configuration_from_before_there_were_themes_is_dark(deployment: Deployment) -> None:
    path = deployment.paths.config / "console.yml"
    before, _, after = path.read_text(encoding="utf-8").partition("\nconsole:\n")
    path.write_text(before + "\noperations:" + after.partition("\noperations:")[2], encoding="utf-8")
    assert load_deployment(deployment.root).console.console.theme == "dark"


def ground(app: ConsoleApp) -> set[Any]:
    """Every background on the screen, painted and behind the panes."""
    painted = {
        segment.style.bgcolor.get_truecolor().hex
        for pane in app.screen.query(Pane)
        for y in range(pane.size.height)
        for segment in pane.render_line(y)
        if segment.style is not None and segment.style.bgcolor is not None
    }
    return painted | {app.screen.styles.background.hex.lower()}


async def test_the_cursor_shows_a_theme_at_once_and_enter_keeps_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        assert THEMES["dark"].background in ground(app)
        await pilot.press(":", *"theme", "enter", "j")
        await pilot.pause()
        assert app.brushes.screen.theme.name == "light"
        assert {THEMES["light"].background} <= ground(app) and THEMES["dark"].background not in ground(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.brushes.screen.theme.name == "light"
        assert THEMES["light"].background in ground(app) and THEMES["dark"].background not in ground(app)


async def test_escape_leaves_the_theme_as_it_was(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"theme", "enter", "j", "j", "escape")
        await pilot.pause()
        assert (app.brushes.screen.theme.name, app.brushes.wall.theme.name) == ("dark", "wall")
        assert THEMES["dark"].background in ground(app) and THEMES["wall"].background not in ground(app)


async def test_a_console_may_end_while_a_theme_is_only_shown(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"theme", "enter", "j")
        app.exit()
        await pilot.pause()
    assert app.crash == ""


async def test_a_read_only_console_may_change_its_colours(make_app: Make) -> None:
    app = make_app(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"theme", "enter")
        await pilot.pause()
        assert "high-contrast" in "\n".join(pane.text() for pane in app.screen.query(Pane))


def test_the_wall_is_for_far_readers() -> None:
    theme = Brushes().wall.theme
    assert contrast(theme.inks["dim"].color or "", theme.background) >= 7
