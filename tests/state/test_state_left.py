"""What happened since a person's last console was open: told once, to that person, and only when something did."""

from __future__ import annotations

import os
import stat
from typing import Any

import pytest

from engine.config import Deployment
from engine.config.looking import only_looking
from engine.errors import Refused
from engine.records import append_event
from engine.state.left import remember, since_left


def note(deployment: Deployment, clock: Any, text: str) -> None:
    clock.advance(10)
    append_event(deployment.paths.events, "note", {"text": text}, source="people", actor="ann@ops1", clock=clock)


def test_who_was_never_here_is_told_nothing(deployment: Deployment, clock: Any) -> None:
    note(deployment, clock, "before")
    assert since_left(deployment, actor="kim@ops1", clock=clock) == []


def test_who_comes_back_is_told_what_happened_meanwhile_the_newest_first(deployment: Deployment, clock: Any) -> None:
    note(deployment, clock, "before")
    remember(deployment, actor="kim@ops1", clock=clock)
    note(deployment, clock, "one")
    note(deployment, clock, "two")
    clock.advance(600)
    lines = since_left(deployment, actor="kim@ops1", clock=clock)
    assert lines[0] == "Since 31 Jan 02:00:10Z, 10m ago: your last key in a console"
    assert [line.strip() for line in lines[2:]] == [
        "31 Jan 02:00:30 note: two (ann@ops1)",
        "31 Jan 02:00:20 note: one (ann@ops1)",
    ]


def test_where_nothing_worth_a_word_happened_nothing_is_said(deployment: Deployment, clock: Any) -> None:
    remember(deployment, actor="kim@ops1", clock=clock)
    clock.advance(10)
    append_event(deployment.paths.events, "run.started", {"release": "v1"}, source="monitor", clock=clock)
    assert since_left(deployment, actor="kim@ops1", clock=clock) == []


def test_each_person_behind_a_shared_account_has_a_place_of_their_own(deployment: Deployment, clock: Any) -> None:
    remember(deployment, actor="kim (as abaco)@ops1", clock=clock)
    note(deployment, clock, "one")
    remember(deployment, actor="lee (as abaco)@ops1", clock=clock)
    assert since_left(deployment, actor="kim (as abaco)@ops1", clock=clock) != []
    assert since_left(deployment, actor="lee (as abaco)@ops1", clock=clock) == []


def test_a_name_is_never_a_way_out_of_the_directory(deployment: Deployment, clock: Any) -> None:
    remember(deployment, actor="../../etc/passwd\x1b@ops1", clock=clock)
    (path,) = deployment.paths.left.iterdir()
    assert path.name == f"{os.getuid()}-etc-passwd.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_trail_that_was_begun_anew_is_told_from_the_same_moment(deployment: Deployment, clock: Any) -> None:
    for text in ("a", "b", "c"):
        note(deployment, clock, text)
    remember(deployment, actor="kim@ops1", clock=clock)
    deployment.paths.events.rename(deployment.paths.events.with_name("old.jsonl"))
    note(deployment, clock, "anew")
    assert "note: anew" in since_left(deployment, actor="kim@ops1", clock=clock)[2]


@pytest.mark.parametrize("damage", ["text", "link", "large", "directory"])
def test_what_is_no_such_file_counts_as_nothing(deployment: Deployment, clock: Any, damage: str) -> None:
    remember(deployment, actor="kim@ops1", clock=clock)
    note(deployment, clock, "one")
    (path,) = deployment.paths.left.iterdir()
    data = path.read_bytes()
    path.unlink()
    if damage == "link":
        (deployment.root / "elsewhere").write_bytes(data)
        path.symlink_to(deployment.root / "elsewhere")
    elif damage == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"{" if damage == "text" else data + b" " * 5000)
    assert since_left(deployment, actor="kim@ops1", clock=clock) == []


def test_a_damaged_line_of_the_trail_hides_nothing_after_it(deployment: Deployment, clock: Any) -> None:
    remember(deployment, actor="kim@ops1", clock=clock)
    note(deployment, clock, "one")
    with deployment.paths.events.open("a") as stream:
        stream.write("no record\n")
    note(deployment, clock, "two")
    told = "\n".join(since_left(deployment, actor="kim@ops1", clock=clock))
    assert "note: two" in told


def test_who_only_looks_leaves_no_trace(deployment: Deployment, clock: Any) -> None:
    with pytest.raises(Refused):
        remember(only_looking(deployment), actor="kim@ops1", clock=clock)
    assert not deployment.paths.left.exists()
