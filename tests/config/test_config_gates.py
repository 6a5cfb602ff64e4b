"""What the gates may be told, and that a checklist of before goes on loading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.config import ConfigError, load_deployment
from engine.config.templates import write_config


@pytest.fixture
def checklist(tmp_path: Path) -> Path:
    write_config(tmp_path / "d", demo=True)
    return tmp_path / "d" / "config" / "checklist.yml"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "keep: watch",
            "keep: wach",
            "names the window 'wach', which is not there; did you mean watch?",
        ),
        ("keep: hourly", "keep: cutover", "decisions.2.keep: names the window 'cutover'"),
        ("log_error: '", "log_error: '(", "schedule.log_error: is no regular expression"),
        ("percent: 5 ", "percent: many ", "compare.percent"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(checklist: Path, old: str, new: str, told: str) -> None:
    text = checklist.read_text()
    assert old in text
    checklist.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=re.escape(told)):
        load_deployment(checklist.parents[1])


def test_a_checklist_without_the_newer_keys_loads_with_their_defaults(checklist: Path) -> None:
    shipped = load_deployment(checklist.parents[1]).checklist
    text = checklist.read_text()
    text = re.sub(r"(?m)^    keep: .*\n|^  tests_before: .*\n|^  log_error: .*\n|^compare:\n(  .*\n)+", "", text)
    assert text != checklist.read_text()
    checklist.write_text(text)
    plain = load_deployment(checklist.parents[1]).checklist
    assert plain.schedule.tests_early == shipped.schedule.tests_early
    assert (plain.schedule.log_error, plain.compare) == (shipped.schedule.log_error, shipped.compare)
    assert [point.keep for point in plain.decisions] == [None] * 5
