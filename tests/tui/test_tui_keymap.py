"""A keymap of one's own: what it may say, what is refused and where, and that everything shown follows from it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import states
from behind_the_console import FakeActions
from test_tui_keys import screen_text, shows, until

from engine.cli.frame import main
from engine.config import Deployment
from tui.app import ConsoleApp
from tui.commands import COMMANDS, find, keys_of
from tui.glyphs import UNICODE
from tui.keymap import Keymap, bind, clash, examine, places, read_keymap
from tui.lines import JUMPS
from tui.screens.sheet import RollbackScreen
from tui.unanswered import BEFORE, answer

Make = Callable[..., ConsoleApp]
TUI = Path(__file__).parents[2] / "tui"


def written(tmp_path: Path, *lines: str, name: str = "keys.yml") -> Path:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["version: 1", "keys:", *(f"  {line}" for line in lines)]) + "\n")
    return path


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Callable[..., Keymap]]:
    """Make a keymap hold; the default keys are back afterwards."""
    before = {name: command.keys for name, command in COMMANDS.items()}

    def hold(*lines: str) -> Keymap:
        keymap = read_keymap((written(tmp_path, *lines),))
        assert keymap.problems == ()
        bind(keymap)
        return keymap

    yield hold
    for name, command in COMMANDS.items():
        command.keys = before[name]
    JUMPS.clear()
    BEFORE.clear()


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    assert read_keymap((tmp_path / "keys.yml",)) == Keymap({}, (), ())


def test_keys_are_written_as_people_and_the_help_write_them(tmp_path: Path) -> None:
    path = written(tmp_path, "validate: v", "note: [Ctrl-E, Ins]", "zoom: ' '", "view.kpis: 0", "search: ['~', F5]")
    keymap = read_keymap((path,))
    assert [str(problem) for problem in keymap.problems if "Space" not in problem.what] == [
        f"{path}:3: keys.validate: v stands for gate.waive (waive a criterion) too; "
        "choose another key, or give gate.waive another one here as well"
    ]
    path = written(tmp_path, "validate: [b]", "note: [Ctrl-E, Ins]", "view.kpis: 0", "search: ['~', F5]")
    assert read_keymap((path,)).keys == {
        "validate": ("b",),
        "note": ("ctrl+e", "insert"),
        "view.kpis": ("0",),
        "search": ("~", "f5"),
    }


def test_a_persons_own_file_comes_after_the_deployments(tmp_path: Path) -> None:
    team = written(tmp_path, "validate: [b]", "note: [I]")
    own = written(tmp_path, "validate: [ctrl+v]", name="own/keys.yml")
    assert read_keymap((team, own)).keys == {"validate": ("ctrl+v",), "note": ("I",)}
    assert places(Path("/srv/x"), {"XDG_CONFIG_HOME": "/etc/own", "HOME": "/users/kim"}) == (
        Path("/srv/x/config/keys.yml"),
        Path("/etc/own/abaco-ops/keys.yml"),
    )
    assert places(Path("/srv/x"), {"HOME": "/users/kim"})[1] == Path("/users/kim/.config/abaco-ops/keys.yml")


@pytest.mark.parametrize(
    ("line", "said", "advice"),
    [
        ("validat: b", "no command 'validat'", "did you mean validate?"),
        ("rollback.confirm: [b]", "no command 'rollback.confirm'", "no single key cuts over or rolls back"),
        ("cutover: ['v 1 enter']", "several keys", "no keymap types an answer"),
        ("cutover: [enter]", "Enter answers and closes sheets", "another key for cutover"),
        ("go: [Return, ctrl+g]", "Enter answers and closes sheets", "another key for go"),
        ("rollback: [R, ctrl+r, Enter]", "Enter answers and closes sheets", "another key for rollback"),
        ("rollback: [ctrl+c, ctrl+r, R]", "Ctrl-C answers and closes sheets", "another key for rollback"),
        ("validate: [Esc]", "Esc answers and closes sheets", "another key"),
        ("validate: [backspace]", "it edits what is typed", "another key"),
        ("validate: [ｖ]", "'ｖ' is the name of no key", "as the help shows it"),
        ("validate: [hyper]", "'hyper' is the name of no key", "as the help shows it"),
        ("validate: [true]", "True is the name of no key", "in quotes"),
        ("validate: [ctrl+s]", "Ctrl-S stops the output", "another key"),
        ("validate: [^Q]", "Ctrl-Q starts the output", "another key"),
        ("validate: [Ctrl-Z]", "Ctrl-Z suspends", "another key"),
        ("validate: [C-a]", "Ctrl-A is the prefix of screen", "another key"),
        ("validate: [ctrl+b]", "Ctrl-B is the prefix of tmux", "another key"),
        ("validate: [ctrl+i]", "Ctrl-I comes as Tab", "another key"),
        ("validate: [alt+v]", "Alt is swallowed", "another key"),
        ("validate: [F5]", "F5 is its only key", "add another"),
        ("validate: [i]", "i stands for note (note) too", "give note another one"),
        ("validate: [x]", "x stands for abort", "give abort another one"),
        ("abort: [j]", "j stands for down", "give down another one"),
        ("rollback: []", "left without a key with Ctrl", "add ctrl+r"),
        ("rollback: [ctrl+r]", "left without a key that is one character", "add R"),
        ("rollback: [X]", "left without a key with Ctrl", "works while text is being typed"),
        ("cancel: [ctrl+x]", "left without Ctrl-C", "add ctrl+c"),
        ("back: [b]", "left without Esc", "add escape"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_to_do(tmp_path: Path, line: str, said: str, advice: str) -> None:
    path = written(tmp_path, "samples: [E]", line)
    keymap = read_keymap((path,))
    assert keymap.keys == {}, "one mistake, and none of it holds"
    told = "\n".join(str(problem) for problem in keymap.problems)
    assert f"{path}:4" in told
    assert said in told
    assert advice in told


def test_settings_that_this_account_cannot_reach_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert read_keymap((tmp_path / "file/keys.yml", tmp_path / "nowhere/keys.yml")) == Keymap({}, (), ())


def test_a_file_that_is_no_keymap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.yml"
    for text, said in (("{", "is not YAML"), ("keys: [a]\nversion: 1\n", "no group"), ("keys: {}\n", "is not 1")):
        path.write_text(text)
        assert said in read_keymap((path,)).problems[0].what
    path.unlink()
    path.symlink_to("/nowhere")
    assert "missing" in read_keymap((path,)).problems[0].what


def test_what_both_give_another_key_does_not_clash(tmp_path: Path) -> None:
    assert read_keymap((written(tmp_path, "validate: [i]", "note: [V]"),)).problems == ()


def test_the_default_keys_keep_every_rule(tmp_path: Path) -> None:
    lines = [f"{name}: {[*command.keys]!r}" for name, command in COMMANDS.items()]
    assert [str(problem) for problem in read_keymap((written(tmp_path, *lines),)).problems] == []


def test_a_key_of_a_view_is_found_in_every_scope_that_meets_it() -> None:
    for one in COMMANDS.values():
        for other in COMMANDS.values():
            if one is not other:
                assert not clash(one, one.keys, other, other.keys), (one.id, other.id)


def test_a_replays_key_may_hide_another_command_only_where_that_keeps_one() -> None:
    pause, plots = COMMANDS["replay.pause"], COMMANDS["plots"]
    assert clash(pause, ("p",), plots, ("p", "P")) == [] == clash(plots, ("p", "P"), pause, ("p",))
    assert clash(pause, ("p",), plots, ("p",)) == ["p"] == clash(plots, ("p",), pause, ("p",))


OTHERS = ("rollback: [X, ctrl+x]", "validate: [b]", "go.here: [J]", "abort: [K]", "view.operation: ['0']", "note: [I]")


async def test_footer_help_palette_and_hints_show_ones_own_keys(make_app: Make, bound: Callable[..., Keymap]) -> None:
    bound(*OTHERS)
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "X roll back")
        await shows(pilot, "b validate")
        await pilot.press("0")
        await shows(pilot, "0 Operation")
        await pilot.press("?")
        await shows(pilot, "X, name, Enter rolls back")
        await shows(pilot, " X Ctrl-X")
        await pilot.press("escape", ":", *"roll back")
        await shows(pilot, "X Ctrl-X")
        await shows(pilot, "Ctrl-X roll back")


def own_words(app: ConsoleApp) -> str:
    """What the console itself says; the offers of these states are made by hand."""
    return "\n".join(line for line in screen_text(app).splitlines() if UNICODE.here not in line)


OLD = re.compile(r"(?<![\w.])(?:R|V)(?=,? (?:or|rolls?|ends|goes|runs|back|v1))|3, then|c gives")


@pytest.mark.parametrize("state", ["running", "needs-human"])
async def test_no_screen_names_a_key_that_does_not_hold(
    make_app: Make, bound: Callable[..., Keymap], state: str
) -> None:
    """Every view of every state, with other keys for what is named most: the old ones are said nowhere."""
    bound(*OTHERS)
    app = make_app(states.ALL[state])
    async with app.run_test(size=(100, 30)) as pilot:
        await shows(pilot, "WAY BACK")
        for key in ("1", "0", "8", "9", "?", "C"):
            await pilot.press(key)
            await pilot.pause(0.02)
            seen = [found[0] for found in OLD.finditer(own_words(app))]
            assert seen == [], (key, screen_text(app))
            await pilot.press("escape")


async def test_ones_own_key_rolls_back_from_a_form_with_text(
    make_app: Make, actions: FakeActions, bound: Callable[..., Keymap]
) -> None:
    bound(*OTHERS)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("I", *"Rest", "ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen))
        sheet = app.screen
        assert isinstance(sheet, RollbackScreen)
        await until(pilot, lambda: sheet.sheet.armed)
        await pilot.press("v", "1", "enter")
        await until(pilot, lambda: ("launch", "rollback", "") in actions.asked)


async def test_a_releases_name_can_be_typed_whatever_key_it_begins_with(make_app: Make) -> None:
    app = make_app(target="stable")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen) and app.screen.sheet.armed)
        sheet = app.screen
        assert isinstance(sheet, RollbackScreen)
        await pilot.press(*"stable")
        await until(pilot, lambda: sheet.sheet.field.text == "stable")


async def test_a_console_with_a_wrong_keymap_opens_with_the_default_keys_and_says_so(
    make_app: Make, tmp_path: Path
) -> None:
    keymap = read_keymap((written(tmp_path, "rollback: []"),))
    app = make_app(first_words=keymap.notice)
    async with app.run_test(size=(140, 30)) as pilot:
        await shows(pilot, "the default keys hold: keys.yml:3: roll back is left without a key with Ctrl")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen))


def test_the_doctor_tells_of_a_wrong_keymap_and_of_a_good_one(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = written(tmp_path, "validate: [i]", name="abaco-ops/keys.yml")
    words = ["--root", str(deployment.root), "doctor"]
    main(words, lambda *_: 0, examine)
    told = capsys.readouterr().out
    assert f"WARN  keys           the default keys hold: {own}:3: keys.validate: i stands for note" in told
    assert "-> choose another key, or give note another one here as well" in told
    written(tmp_path, "validate: [b]", name="abaco-ops/keys.yml")
    main(words, lambda *_: 0, examine)
    assert f"ok    keys           1 command bound by {own}" in capsys.readouterr().out


def test_digits_in_a_row_are_said_as_one() -> None:
    assert keys_of("view.dashboard", "view.conditions", "view.operation") == "1-3"
    assert keys_of("search.next", "search.previous") == "n N"


# where a key is handled that belongs to no command: fields and answers of sheets, and the palette's choice
ANSWERS = {
    ("screens/over.py", "takes"): {"enter", "down", "up", "tab", "shift+tab"},
    ("screens/sheet.py", "takes"): {"enter", "left", "right", "up", "down"},
    ("screens/offer.py", "takes"): {"enter", "tab"},
    ("screens/themes.py", "takes"): {"enter"},
    ("field.py", "key"): {"backspace", "ctrl+h", "ctrl+w", "ctrl+k"},
    ("pressing.py", "press"): {" "},
}
PRESSED = {"name", "character", "key", "last_key"}


def compared(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Function, and each text that it compares what was pressed with."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and pressed(node.left):
                for side in node.comparators:
                    for text in ast.walk(side):
                        if isinstance(text, ast.Constant) and isinstance(text.value, str):
                            yield function.name, text.value


def pressed(node: ast.AST) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in PRESSED


def is_key(text: str) -> bool:
    known = {key for command in COMMANDS.values() for key in command.keys}
    return text in known or len(text) == 1 or text.startswith(("ctrl+", "shift+")) or text in ("backspace", "delete")


def test_no_key_is_handled_outside_its_command() -> None:
    for path in sorted(TUI.rglob("*.py")):
        where = str(path.relative_to(TUI))
        if where in ("commands/pressed.py", "keymap.py") or where.startswith("output/"):
            continue  # they know the names of keys, or the characters of cells, and handle no key
        for function, text in compared(ast.parse(path.read_text())):
            if is_key(text) and text not in ANSWERS.get((where, function), set()):
                raise AssertionError(f"{where}: {function} handles {text!r}: give it to a Command")


def test_a_key_handled_outside_would_be_found() -> None:
    tree = ast.parse("def takes(self, name, character):\n    return character in ('R', 'q') or name == 'ctrl+r'\n")
    assert {text for _, text in compared(tree)} == {"R", "q", "ctrl+r"}


def test_every_key_finds_its_command(bound: Callable[..., Any]) -> None:
    bound(*OTHERS)
    assert find("X", frozenset({"anywhere"})) is COMMANDS["rollback"]
    assert find("R", frozenset({"anywhere"})) is None


def test_a_keymap_of_ones_own_leaves_no_key_of_before_silent(bound: Callable[..., Keymap]) -> None:
    here = frozenset({"anywhere", "list"})
    bound("rollback: [X, ctrl+x]", "validate: [b]", "abort: [K]")
    assert answer("R", here) == "R does nothing here; roll back: X"
    assert answer("V", here) == "V does nothing here; validate: b"
    assert answer("x", here) == "x does nothing here; no-go: at gate D; abort the operation: K in view 3"
