"""``abaco-ops replay`` as it is called: which stretch it opens, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.cli import frame
from engine.clock import boot_id, iso
from engine.config import Deployment
from engine.monitoring.model import Evaluation, Hourly, Verdict
from engine.monitoring.store import SampleStore
from engine.records import append_line

NOW = datetime.now(UTC)


def evaluation(at: datetime, word: Any) -> Evaluation:
    return Evaluation(
        1,
        at,
        0.0,
        boot_id(),
        1,
        1.0,
        "v1",
        "",
        Verdict(word, "why", "", ""),
        (),
        (),
        (),
        None,
        None,
        (),
        None,
        Hourly(0, 0, 24, None),
        (),
        None,
        None,
        True,
        False,
        (),
    )


@pytest.fixture
def recorded(deployment: Deployment) -> Path:
    """Four hours of verdicts, and a cutover three hours ago."""
    store = SampleStore(deployment.paths.samples)
    for minutes in range(240, 0, -1):
        found = evaluation(NOW - timedelta(minutes=minutes), "WATCH" if minutes > 60 else "CONTINUE")
        store.append([], msgspec.structs.replace(found, boot=(240.0 - minutes) * 60 + 100))
    store.close()
    ended = {"kind": "operation.ended", "seq": 1, "at": iso(NOW - timedelta(hours=3)), "actor": "me"}
    append_line(deployment.paths.events, {**ended, "data": {"kind": "cutover", "state": "SUCCEEDED"}})
    return deployment.root


def call(root: Path, *words: str) -> tuple[int, list[Any]]:
    opened: list[Any] = []
    code = frame.main(["--root", str(root), "replay", *words], lambda *arguments: opened.append(arguments) or 0)
    return code, opened


def test_it_opens_the_stretch_read_only(recorded: Path) -> None:
    code, opened = call(recorded, "--from", "-2h", "--to", "-1h", "--speed", "60")
    assert code == 0
    root, read_only, playback = opened[0]
    assert (root, read_only, playback.speed) == (recorded, True, 60.0)
    assert abs((playback.end - playback.begin).total_seconds() - 3600) < 1


def test_a_stretch_counts_from_the_cutover_and_begins_no_earlier_than_the_records(recorded: Path) -> None:
    playback = call(recorded, "--from", "T+30m", "--to", "T+1h")[1][0][2]
    assert abs((playback.begin - (NOW - timedelta(hours=2.5))).total_seconds()) < 1
    playback = call(recorded)[1][0][2]
    assert abs((playback.begin - (NOW - timedelta(hours=4))).total_seconds()) < 1


def test_the_state_of_one_moment_is_printed_as_status_prints_it(recorded: Path, capsysbinary: Any) -> None:
    assert call(recorded, "--at", "-90m", "--json")[0] == 0
    then = json.loads(capsysbinary.readouterr().out)
    assert (then["verdict"], then["release"], then["replayed"]) == ("WATCH", "v1", True)
    assert call(recorded, "--at", "-30m")[0] == 0
    told = capsysbinary.readouterr().out.decode()
    assert "REPLAY of" in told and "CONTINUE" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "2099-01-01"], "is not past yet"),
        (["--at", "soon"], "is no moment"),
        (["--json"], "--json belongs to --at"),
        (["--speed", "0"], "must be more than 0"),
        (["--from", "-1h", "--to", "-2h"], "there is nothing to show"),
    ],
)
def test_what_makes_no_sense_is_refused(recorded: Path, capsys: Any, words: list[str], said: str) -> None:
    assert call(recorded, *words) == (2, [])
    assert said in capsys.readouterr().err


def test_without_records_there_is_nothing_to_replay(deployment: Deployment, capsys: Any) -> None:
    assert call(deployment.root) == (2, [])
    assert "nothing was recorded here yet" in capsys.readouterr().err
