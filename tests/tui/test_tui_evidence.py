"""Evidence: the picture, the text and the position in the records, whole or not at all, wherever it can be kept."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from behind_the_console import FakeActions
from test_tui_keys import screen_text, shows, until

from engine.config import Deployment
from engine.config.looking import only_looking
from engine.errors import Refused
from engine.records import append_event, read_lines, verify_chain
from engine.reports.archive import archive
from engine.state.event_words import in_words
from engine.state.kept_screen import Kept, Shot, keep_screen
from engine.state.position import trail_position
from tui.actions import EngineActions
from tui.app import ConsoleApp
from tui.replaying import no_actions

Make = Callable[..., ConsoleApp]
SHOT = Shot("<svg/>", "WATCH", "kpis", "80x24", "2026-01-31T09:12:04Z", "ROLL BACK", "v2", "0003-cutover", False)


@pytest.fixture(autouse=True)
def own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "own"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "own/abaco-ops/evidence"


def kept(deployment: Deployment, clock: Any, shot: Shot = SHOT) -> Kept:
    return keep_screen(deployment, shot, actor="kim@ops1", origin="10.0.0.7", clock=clock)


async def test_the_screen_in_front_is_saved_as_picture_and_text(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("5")
        await shows(pilot, "5 Checklist")
        before = screen_text(app)
        await pilot.press("Y")
        await shows(pilot, "evidence: /srv/abaco/logs/evidence/x")
        (shot,) = [asked[1] for asked in actions.asked if asked[0] == "keep_screen"]
        assert shot.text.splitlines()[:23] == [line.rstrip() for line in before.splitlines()[:23]]
        assert len(shot.text.splitlines()) == 24
        words = "".join(ElementTree.fromstring(shot.picture).itertext()).replace("\xa0", " ")
        assert "MEM 204 MB, above 200 for 12m" in words
        assert "http" not in shot.picture.replace("http://www.w3.org/", "").replace("https://www.textualize.io", "")
        assert (shot.screen, shot.verdict, shot.size, shot.replay) == ("checklist", "WATCH", "80x24", False)


async def test_the_palette_saves_what_was_under_it(make_app: Make, actions: FakeActions) -> None:
    app = make_app(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(":", *"evidence", "enter")
        await until(pilot, lambda: any(asked[0] == "keep_screen" for asked in actions.asked))
        (shot,) = [asked[1] for asked in actions.asked if asked[0] == "keep_screen"]
        assert "Decision matrix" in shot.text
        assert "Find a command" not in shot.text


def test_it_stands_below_the_logs_with_the_position_in_the_records(deployment: Deployment, clock: Any) -> None:
    append_event(deployment.paths.events, "note", {"text": "one"}, source="people", clock=clock)
    last = append_event(deployment.paths.events, "note", {"text": "two"}, source="people", clock=clock)
    size = deployment.paths.events.stat().st_size
    path = kept(deployment, clock).path
    assert path.parent == deployment.paths.logs / "evidence"
    assert path.name.startswith("20260131_020000Z-roll-back-")
    assert sorted(file.name for file in path.iterdir()) == ["position.json", "screen.svg", "screen.txt"]
    position = json.loads((path / "position.json").read_text())
    assert position["records"]["events"] == {"seq": 2, "hash": last["hash"], "offset": size}
    assert position["operation"] == "0003-cutover"
    assert position["who"] == "kim@ops1"
    assert position["origin"] == "10.0.0.7"
    (*_, told) = read_lines(deployment.paths.events)
    assert in_words(told).endswith(f"evidence of kpis saved: logs/evidence/{path.name} (kim@ops1)")


def test_the_position_passes_over_a_line_that_is_being_written(tmp_path: Path, clock: Any) -> None:
    path = tmp_path / "events.jsonl"
    assert trail_position(path).seq == 0
    last = append_event(path, "note", {"text": "x" * 100_000}, source="people", clock=clock)
    size = path.stat().st_size
    with path.open("a") as stream:
        stream.write('{"seq": 2, "ha')
    assert (trail_position(path).seq, trail_position(path).hash, trail_position(path).offset) == (1, last["hash"], size)
    with path.open("a") as stream:
        stream.write("\n")
    assert trail_position(path).seq == -1
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert trail_position(path).seq == -1


def test_the_archive_takes_it_along(deployment: Deployment, clock: Any) -> None:
    path = kept(deployment, clock).path
    (path.parent / ".unfinished.tmp").mkdir()
    (path.parent / ".unfinished.tmp/screen.svg").write_text("half")
    with tarfile.open(archive(deployment, clock, "now").path) as tar:
        names = [name for name in tar.getnames() if "/evidence/" in name]
    assert sorted(name.rpartition("/evidence/")[2] for name in names) == [
        f"{path.name}/{file}" for file in ("position.json", "screen.svg", "screen.txt")
    ]


def test_two_of_the_same_second_stand_side_by_side(deployment: Deployment, clock: Any) -> None:
    assert kept(deployment, clock).path != kept(deployment, clock).path


def test_no_verdict_makes_a_path_of_its_own(deployment: Deployment, clock: Any) -> None:
    import msgspec

    hostile = Shot(**{**{name: getattr(SHOT, name) for name in SHOT.__slots__}, "verdict": "../../etc/\x1b[2J"})
    path = kept(deployment, clock, hostile).path
    assert path.parent == deployment.paths.logs / "evidence"
    assert path.name.startswith("20260131_020000Z-etc-j-")
    assert msgspec.json.decode((path / "position.json").read_bytes())["verdict"] == "../../etc/\x1b[2J"


def test_a_read_only_console_keeps_it_among_ones_own_files(deployment: Deployment, clock: Any, own_files: Path) -> None:
    found = kept(only_looking(deployment), clock)
    assert found.path.parent == own_files
    assert "only looking is allowed here" in str(found)
    assert not (deployment.paths.logs / "evidence").exists()
    assert not deployment.paths.events.exists()


def test_logs_that_cannot_be_written_are_said_and_it_is_kept_elsewhere(
    deployment: Deployment, clock: Any, own_files: Path
) -> None:
    deployment.paths.logs.mkdir(exist_ok=True)
    (deployment.paths.logs / "evidence").write_text("in the way")
    found = kept(deployment, clock)
    assert found.path.parent == own_files
    assert f"{deployment.paths.logs} cannot be written" in str(found)


def test_where_nothing_can_be_written_it_says_so(deployment: Deployment, clock: Any, tmp_path: Path) -> None:
    for place in (deployment.paths.logs / "evidence", tmp_path / "own", tmp_path / f"abaco-ops-{os.getuid()}"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("in the way")
    with pytest.raises(Refused, match="kept nowhere"):
        kept(deployment, clock)


def test_a_symlink_in_the_way_is_not_followed(
    deployment: Deployment, clock: Any, own_files: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    deployment.paths.logs.mkdir(exist_ok=True)
    (deployment.paths.logs / "evidence").symlink_to(tmp_path / "elsewhere")
    assert kept(deployment, clock).path.parent == own_files
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_half_of_it_is_never_left(deployment: Deployment, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def full(path: Path, data: bytes) -> None:
        if str(path).startswith(str(deployment.root)) and written:
            raise OSError(28, "No space left on device")
        written.append(path.name)
        path.write_bytes(data)

    monkeypatch.setattr("engine.state.kept_screen.write_file", full)
    assert "No space left" in str(kept(deployment, clock))
    assert list((deployment.paths.logs / "evidence").iterdir()) == []


def test_a_trail_that_cannot_be_written_is_only_a_note(deployment: Deployment, clock: Any) -> None:
    deployment.paths.events.mkdir(parents=True)
    assert "the audit trail cannot be written" in str(kept(deployment, clock))


def test_the_engine_behind_the_console_keeps_it_and_a_replay_among_ones_own_files(
    deployment: Deployment, own_files: Path
) -> None:
    assert f"evidence: {deployment.paths.logs}/evidence/" in EngineActions(deployment).keep_screen(SHOT)
    assert verify_chain(deployment.paths.events).records == 1
    assert f"evidence: {own_files}/" in no_actions(deployment).keep_screen(SHOT)
    assert verify_chain(deployment.paths.events).records == 1
