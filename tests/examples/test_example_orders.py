"""A second trade, whole: nothing of the first one is in the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "orders"
OF_THE_FIRST_TRADE = re.compile(r"loan|\bPAR\d\d|\bdpd|receivable|delinquen|borrower", re.IGNORECASE)


class Desk:
    """The example as a deployment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._environment = {**os.environ, "ABACO_OPS_ROOT": str(root)}
        self.ops("init", str(root))
        for name in ("v1.yml", "v2.yml"):
            (root / "config/releases" / name).unlink()
        shutil.copytree(EXAMPLE, root, dirs_exist_ok=True)
        self._run(sys.executable, str(root / "orders.py"), "tape", str(root))

    def ops(self, *words: str) -> str:
        return self._run(sys.executable, "-m", "tui.main", *words)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env=self._environment, cwd=REPOSITORY
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "desk")
    yield made
    for release in ("paper", "press"):
        made.ops("service", "stop", release)


def test_it_is_validated_cut_over_watched_and_rolled_back(desk: Desk) -> None:
    desk.ops("service", "start", "paper")
    desk.ops("cutover", "--yes", "--reason", "second release")
    state = json.loads(desk.ops("status", "--json"))
    assert (state["release"], state["checks"]["status"]) == ("press", "PASS")
    desk.ops("rehearse")
    desk.ops("rollback", "--yes", "--reason", "and back")
    state = json.loads(desk.ops("status", "--json"))
    assert state["release"] == "paper"
    figures = set(json.loads(desk.ops("kpi", str(desk.root / "data/raw/orders.csv"), "--json"))["kpis"])
    assert figures == {"RefundRate", "Margin", "ParcelShare", "DeskScore"}


def test_nothing_of_the_first_trade_stands_in_the_code() -> None:
    """But in the sample pipelines themselves."""
    sources = [
        path
        for room in ("engine", "tui")
        for path in (REPOSITORY / room).rglob("*")
        if path.is_file() and path.suffix in (".py", ".sh", ".html", ".css", ".js", ".j2")
        if not path.is_relative_to(REPOSITORY / "engine/pipeline")
    ]
    assert len(sources) > 300
    found = [
        f"{path.relative_to(REPOSITORY)}: {match[0]}"
        for path in sources
        for match in OF_THE_FIRST_TRADE.finditer(path.read_text())
    ]
    assert found == []
