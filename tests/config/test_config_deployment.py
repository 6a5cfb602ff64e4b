"""The shipped configuration in a new deployment, and what a deployment says about itself."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Deployment, find_root, load_deployment
from engine.config.quantities import Duration, Size
from engine.config.schema import SCHEMAS, schema
from engine.config.templates import write_config
from engine.errors import Refused


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "kpis.yml").write_text("mine")
    with pytest.raises(Refused, match=r"kpis\.yml"):
        write_config(tmp_path)
    assert [path.name for path in (tmp_path / "config").iterdir()] == ["kpis.yml"]


def test_a_new_deployment_is_production_and_runs_the_old_release(tmp_path: Path) -> None:
    write_config(tmp_path)
    deployment = load_deployment(tmp_path)
    assert not deployment.console.deployment.demo
    assert deployment.console.cadence.sample == 5
    assert deployment.active_config.read_bytes() == deployment.paths.release("v1").read_bytes()


def test_places_of_a_command_are_filled_once(deployment: Deployment) -> None:
    command = deployment.command(["{python}", "--root={root}", "{release}", "{other}"], "{root}")
    assert command == [sys.executable, f"--root={deployment.root}", "{root}", "{other}"]


def test_the_root_is_the_given_one_then_the_environment_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABACO_OPS_ROOT", str(tmp_path / "env"))
    assert find_root(str(tmp_path / "given")) == tmp_path / "given"
    assert find_root(None) == tmp_path / "env"
    monkeypatch.delenv("ABACO_OPS_ROOT")
    assert find_root(None) == tmp_path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5s", 5),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("7d", 604800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (3, 3),
    ],
)
def test_durations_are_read_as_people_write_them(text: object, seconds: float) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "5 apples", "-5s", "1:30", True, None, [], "5s x", "٥s", 1e300])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a duration such as"):
        Duration.parse(text)


@pytest.mark.parametrize(("text", "size"), [("200 MB", 200_000_000), ("5 GB", 5 * 10**9), ("1.5kB", 1500), (7, 7)])
def test_sizes_are_read_as_people_write_them(text: object, size: int) -> None:
    assert Size.parse(text) == size


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert Duration.parse(text) >= 0


def test_every_file_has_a_schema_that_an_editor_can_read() -> None:
    for name in SCHEMAS:
        assert b"additionalProperties" in msgspec.json.encode(schema(name))
