"""Arguments and names that are no UTF-8: a sentence or a record in plain words, never a mistake of abaco-ops itself."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import pytest

from engine.cli import frame
from engine.cli.demo import _write_tapes
from engine.config import Deployment
from tests.in_this_process import here

ODD = os.fsdecode(b"\xff")
SHOWN = "\\udcff"


@pytest.fixture
def tape(deployment: Deployment) -> Path:
    """A sound tape under an odd name."""
    _write_tapes(deployment)
    return Path(shutil.copy(deployment.tape, deployment.root / f"t{ODD}.csv"))


@pytest.mark.parametrize("there", [True, False])
def test_a_trial_on_a_tape_with_an_odd_name_is_a_report_in_plain_words(
    deployment: Deployment, tape: Path, there: bool
) -> None:
    given = str(tape) if there else ODD
    done = here("validate", "--root", str(deployment.root), "--json", "--tape", given)
    report = json.loads(done.stdout)
    assert done.returncode == 1 and done.stderr == ""
    assert report["tape"] == (f"t{SHOWN}.csv" if there else SHOWN)
    assert any("has a name that is no UTF-8" in issue for issue in report["checks"]["data_integrity"]["issues"])
    assert here("validations", "--root", str(deployment.root)).returncode == 0


@pytest.mark.parametrize("engine", ["auto", "arrow", "duckdb"])
def test_kpis_of_a_tape_with_an_odd_name_are_refused_alike(deployment: Deployment, tape: Path, engine: str) -> None:
    done = here("kpi", str(tape), "--engine", engine, "--root", str(deployment.root))
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].endswith(f"t{SHOWN}.csv has a name that is no UTF-8")


def test_a_tape_under_a_plain_link_to_an_odd_name_can_be_read(deployment: Deployment, tape: Path) -> None:
    (deployment.root / "plain.csv").symlink_to(tape.name)
    done = here("kpi", str(deployment.root / "plain.csv"), "--engine", "arrow", "--root", str(deployment.root))
    assert done.returncode == 0, done.stderr


def test_no_deployment_is_made_or_opened_under_an_odd_name(deployment: Deployment, tmp_path: Path) -> None:
    odd = tmp_path / f"d{ODD}"
    for words in (("init", str(odd)), ("demo", str(odd), "--no-console")):
        done = here(*words)
        assert (done.returncode, "has a name that is no UTF-8" in done.stderr) == (2, True), done.stderr
        assert not odd.exists()
    deployment.root.rename(odd)
    for word in ("status", "doctor", "validate", "kpi"):
        done = here(word, *(["tape.csv"] if word == "kpi" else []), "--root", str(odd))
        assert "has a name that is no UTF-8" in done.stderr + done.stdout, word
        assert done.returncode in (1, 2), word


@pytest.mark.parametrize(
    "words",
    [
        ("note", ODD),
        ("ack", "MEM", "--reason", ODD),
        ("silence", "MEM", "--for", "1m", "--reason", ODD),
        ("rollback", "--dry-run", "--to", ODD),
        ("rollback", "--yes", "--reason", ODD, "--to", "none"),
        ("audit", "verify", "--last", ODD),
        ("report", ODD),
        ("history", ODD),
        ("why", ODD),
        ("drill", "latency", "--for", ODD),
        ("service", "start", ODD),
        ("init", "x", "--share", ODD),
    ],
)
def test_odd_bytes_in_an_argument_are_no_mistake_of_abaco_ops(deployment: Deployment, words: tuple[str, ...]) -> None:
    done = here(*words, *(["--root", str(deployment.root)] if words[0] != "init" else []))
    assert done.returncode in (0, 1, 2), done.stderr
    assert "mistake in abaco-ops" not in done.stderr


def test_a_reason_with_odd_bytes_stands_in_the_record_in_plain_words(deployment: Deployment) -> None:
    assert here("note", f"line {ODD} down", "--root", str(deployment.root)).returncode == 0
    (event,) = [json.loads(line) for line in deployment.paths.events.read_bytes().splitlines()][-1:]
    assert event["data"]["text"] == f"line {SHOWN} down"


def test_words_reach_a_command_as_text_and_files_keep_their_bytes() -> None:
    given = argparse.Namespace(reason=f"a{ODD}", text=[ODD, "b"], tape=ODD, output=ODD, yes=True, last=3, to=None)
    words = vars(frame._in_text(given))
    assert (words["reason"], words["text"]) == (f"a{SHOWN}", [SHOWN, "b"])
    assert (words["tape"], words["output"]) == (ODD, ODD)
    assert (words["yes"], words["last"], words["to"]) == (True, 3, None)
