"""Fixtures of the console's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import states
from behind_the_console import FakeActions, FakeReader
from fake_looks import FakeLooks

from engine.state.model import State
from tui.app import ConsoleApp
from tui.glyphs import UNICODE
from tui.sheets import cutover, early, offer, rollback


@pytest.fixture(autouse=True)
def forms_are_armed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms and sheets take keys at once, where the moment before they do is not what is tested:
    ``@pytest.mark.early``. What they wait for besides, facts and plans, they go on waiting for.
    """
    if request.node.get_closest_marker("early") is None:
        for sheet in (early, rollback, cutover, offer):
            monkeypatch.setattr(sheet, "ARM_AFTER", 0.0)


@pytest.fixture
def actions() -> FakeActions:
    return FakeActions()


@pytest.fixture
def looks() -> FakeLooks:
    return FakeLooks()


@pytest.fixture
def make_app(actions: FakeActions, looks: FakeLooks) -> Iterator[Callable[..., ConsoleApp]]:
    """Build a console on a state; its clock stands still at the state's time."""

    def make(state: State = states.WARNING, **more: Any) -> ConsoleApp:
        now: Callable[[], datetime] = more.pop("now", lambda: states.NOW)
        fields = {"root": "/srv/abaco", "target": "v1", "glyphs": UNICODE, "now": now, "looks": looks, **more}
        return ConsoleApp(make_reader=lambda: FakeReader(state), actions=actions, **fields)

    yield make
