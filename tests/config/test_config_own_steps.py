"""Mistakes in ``operations.own_steps``: told with the line, the key, and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.config import ConfigError, load_deployment
from engine.config.schema import schema
from engine.config.templates import write_config

GOOD: dict[str, Any] = {
    "name": "drain",
    "title": "load balancer drained",
    "operation": "cutover",
    "place": {"before": 3},
    "do": ["/usr/local/bin/lb", "drain", "{release}"],
    "verify": ["/usr/local/bin/lb", "is-drained"],
    "undo": ["/usr/local/bin/lb", "refill"],
    "deadline": "30s",
}
BACK: dict[str, Any] = {
    "name": "refill",
    "title": "refilled",
    "operation": "rollback",
    "place": {"after": 4},
    "do": ["lb"],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_config(tmp_path / "d", demo=True)
    return tmp_path / "d"


def write(root: Path, *steps: dict[str, Any]) -> None:
    path = root / "config/console.yml"
    text = path.read_text()
    assert text.count("own_steps: []") == 1
    path.write_text(text.replace("own_steps: []", f"own_steps: {yaml.safe_dump(list(steps), default_flow_style=True)}"))


def mistakes(root: Path, *steps: dict[str, Any]) -> str:
    write(root, *steps)
    with pytest.raises(ConfigError) as caught:
        load_deployment(root)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_there_are_none_unless_somebody_writes_them(root: Path) -> None:
    assert load_deployment(root).console.operations.own_steps == []
    path = root / "config/console.yml"
    path.write_text(path.read_text().replace("  own_steps: []\n", ""))
    assert load_deployment(root).console.operations.own_steps == []


def test_the_commented_example_of_the_shipped_file_is_right(root: Path) -> None:
    path = root / "config/console.yml"
    before, found, after = path.read_text().partition("  own_steps: []\n")
    assert found
    example = "".join(line.replace("#", " ", 1) + "\n" for line in after.splitlines())
    path.write_text(f"{before}  own_steps:\n{example}")
    steps = load_deployment(root).console.operations.own_steps
    assert [(step.name, step.operation) for step in steps] == [("drain", "cutover"), ("refill", "rollback")]
    assert steps[0].verify and steps[0].undo and steps[0].deadline == 30


def test_right_ones_are_read(root: Path) -> None:
    write(root, GOOD, BACK)
    drain, refill = load_deployment(root).console.operations.own_steps
    assert (drain.place.before, drain.place.after, drain.deadline) == (3, None, 30)
    assert refill.needed and refill.deadline is None and refill.undo is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"place": {"before": 6}}, "place.before: names phase 6, which is not there; a cutover has the phases 0 to 5"),
        ({"place": {"after": -1}}, "place.after: names phase -1, which is not there"),
        ({"place": {"before": 0}}, "is before phase 0, which checks whether anything may be touched; after: 0 is"),
        ({"place": {}}, "place: names no phase, or two; one of: before: NUMBER, after: NUMBER"),
        ({"place": {"before": 3, "after": 2}}, "place: names no phase, or two"),
        ({"place": {"befor": 3}}, "did you mean before?"),
        ({"place": "before 3"}, "place"),
        ({"operation": "cutovr"}, "expected one of cutover, rollback"),
        ({"name": "stop_old"}, "name: is 'stop_old', which is a step of abaco-ops itself; take another name"),
        ({"name": "wait_for_go"}, "which is a step of abaco-ops itself"),
        ({"name": "Drain it"}, "no name of a step; a small letter, then"),
        ({"title": " "}, "title: is empty"),
        ({"do": []}, "do: is empty; a program and its arguments"),
        ({"do": "lb drain"}, "expected a list"),
        ({"precheck": [""]}, "precheck: is empty"),
        ({"do": ["lb", "{relase}"]}, "did you mean {release}?"),
        ({"undo": ["lb", "{tape}"]}, "names the place '{tape}', which is not there"),
        ({"deadline": "0s"}, "deadline: is 0"),
        ({"deadline": "soon"}, "a duration such as"),
        ({"needed": False}, "needed: is false in a cutover, which stops at any failure; only for a rollback"),
        ({"place": {"after": 4}}, "undo: would never run: nothing is undone after the new release's first start"),
        ({"place": {"before": 5}}, "undo: would never run"),
        ({"operation": "rollback"}, "undo: would never run: a rollback is not undone; leave it out"),
        ({"operation": "rollback", "undo": None, "place": {"after": 7}}, "a rollback has the phases 0 to 6"),
        ({"shell": True}, "is not a known key"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(root: Path, changed: dict[str, Any], said: str) -> None:
    told = mistakes(root, {**GOOD, **changed})
    assert said in told and "operations.own_steps.0" in told, told


@pytest.mark.parametrize("place", [{"before": 4}, {"after": 3}, {"after": 0}])
def test_an_undo_before_the_point_of_no_return_is_right(root: Path, place: dict[str, int]) -> None:
    write(root, {**GOOD, "place": place})
    load_deployment(root)


def test_a_name_is_used_once_in_both_operations_together(root: Path) -> None:
    told = mistakes(root, GOOD, {**BACK, "name": "drain"})
    assert "operations.own_steps.1.name: is 'drain' a second time" in told


def test_all_mistakes_are_told_at_once(root: Path) -> None:
    told = mistakes(root, {**GOOD, "name": "stop_old", "do": []}, {**BACK, "place": {"after": 9}})
    assert len(told.splitlines()) == 3, told


def test_the_schema_knows_them() -> None:
    definitions = schema("console")["$defs"]
    assert set(definitions["OwnStepSection"]["required"]) == {"name", "title", "operation", "place", "do"}
    assert definitions["OwnStepSection"]["properties"]["operation"]["enum"] == ["cutover", "rollback"]
