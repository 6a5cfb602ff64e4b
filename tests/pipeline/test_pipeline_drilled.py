"""Which orders a sample pipeline obeys: its own, in their time, on a demo; no others."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.clock import boot_id
from engine.config.templates import write_config
from engine.drills.order import Order, order_file, read_order, write_order
from engine.drills.tape import keep_original, kept_original, put_back
from engine.errors import Refused
from engine.pipeline.drilled import Drilled, drilled
from engine.pipeline.settings import read_settings
from engine.records.form import VERSION

COLUMNS = ("total_receivable_usd", "dpd_90_plus_usd")


class Stop:
    """Notes how long somebody wanted to wait."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False


def pipeline(root: Path, clock: Any, *, demo: bool = True) -> Drilled | None:
    write_config(root, demo=demo)
    return drilled(read_settings(root, "v1"), clock, lambda _: None)


def order(place: Path, clock: Any, drill: str = "hang", **changes: Any) -> Order:
    now = clock.now()
    made = Order(VERSION, "id", drill, "v1", "abaco", str(place), "me", "", "", boot_id(), now.boot, now.boot + 60.0)
    return msgspec.structs.replace(made, **changes)


def hangs(ordered: Drilled) -> bool:
    stop: Any = Stop()
    return ordered.turn(stop)


def test_a_real_deployment_has_nothing_that_could_obey(tmp_path: Path, clock: Any) -> None:
    assert pipeline(tmp_path, clock, demo=False) is None


def test_a_demo_obeys_until_the_time_is_over(tmp_path: Path, clock: Any) -> None:
    ordered = pipeline(tmp_path, clock)
    assert ordered is not None and not hangs(ordered)
    write_order(tmp_path, order(tmp_path, clock))
    assert hangs(ordered)
    clock.advance(59.9)
    assert hangs(ordered)
    clock.advance(0.2)
    assert not hangs(ordered)


@pytest.mark.parametrize(
    "changes",
    [
        {"release": "v2"},
        {"root": "/srv/another"},
        {"boot_id": "before the reboot", "until_boot": 0.0},
        {"until_boot": 0.0},
        {"v": VERSION + 1},
    ],
)
def test_an_order_that_is_foreign_or_over_is_ignored(tmp_path: Path, clock: Any, changes: dict[str, Any]) -> None:
    ordered = pipeline(tmp_path, clock)
    assert ordered is not None
    write_order(tmp_path, order(tmp_path, clock, **changes))
    assert not hangs(ordered)


def test_what_is_no_order_orders_nothing(tmp_path: Path, clock: Any) -> None:
    ordered = pipeline(tmp_path, clock)
    assert ordered is not None
    order_file(tmp_path).write_text("{")
    assert read_order(tmp_path) is None and not hangs(ordered)


def test_a_damaged_tape_is_put_back_as_it_was(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes(b"loan_id,total_receivable_usd\nL1,5\n")
    tape.chmod(0o600)
    original, damaged = keep_original(tmp_path, tape, COLUMNS)
    assert damaged == b"loan_id,####################\nL1,5\n"
    tape.write_bytes(damaged)
    restored = put_back(tmp_path, tape, original, hashlib.sha256(damaged).hexdigest())
    assert restored.ok and tape.read_bytes() == b"loan_id,total_receivable_usd\nL1,5\n"
    assert tape.stat().st_mode & 0o777 == 0o600
    assert not kept_original(tmp_path).exists()


def test_a_tape_that_came_meanwhile_is_left_and_the_original_kept(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes(b"total_receivable_usd\n5\n")
    original, _ = keep_original(tmp_path, tape, COLUMNS)
    tape.write_bytes(b"total_receivable_usd\n6\n")
    restored = put_back(tmp_path, tape, original, "0" * 64)
    assert restored.ok and "another tape" in restored.says
    assert tape.read_bytes() == b"total_receivable_usd\n6\n"
    assert kept_original(tmp_path).read_bytes() == b"total_receivable_usd\n5\n"


def test_an_original_that_was_altered_is_not_put_back(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes(b"total_receivable_usd\n5\n")
    original, damaged = keep_original(tmp_path, tape, COLUMNS)
    tape.write_bytes(damaged)
    kept_original(tmp_path).write_bytes(b"altered")
    restored = put_back(tmp_path, tape, original, hashlib.sha256(damaged).hexdigest())
    assert not restored.ok and tape.read_bytes() == damaged


def test_what_cannot_be_damaged_and_put_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no plain file"):
        keep_original(tmp_path, tmp_path, COLUMNS)
    (tmp_path / "tape.csv").write_bytes(b"loan_id\n1\n")
    with pytest.raises(Refused, match="none of the columns"):
        keep_original(tmp_path, tmp_path / "tape.csv", COLUMNS)
