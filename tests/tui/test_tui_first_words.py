"""What whoever opens a console is told before they begin anything."""

from __future__ import annotations

import dataclasses

import pytest

from engine.config import Deployment
from engine.config.looking import must_write, only_looking
from engine.errors import Refused
from engine.services.logout import Ended
from tui import console
from tui.commands import COMMANDS, refusal

ONLOOKER = "olga has no right to write in /srv/abaco"


def test_a_log_out_that_would_end_what_is_begun_here_is_said(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert console._first_words(deployment) == ""
    monkeypatch.setattr(console, "ended_at_logout", lambda _: Ended("operations end when you log out", "use a unit"))
    assert console._first_words(deployment) == "operations end when you log out: abaco-ops doctor"
    assert console._first_words(only_looking(deployment)) == "", "it begins nothing"


def test_an_account_without_rights_is_told_why_it_only_looks(deployment: Deployment) -> None:
    looking = dataclasses.replace(deployment, onlooker=ONLOOKER)
    assert looking.read_only
    assert console._first_words(looking).startswith(f"read-only: {ONLOOKER}; ask an operator")
    assert console._first_words(only_looking(looking)) == "", "it was asked for"
    with pytest.raises(Refused, match="a rollback writes, and olga has no right to write"):
        must_write(looking, "a rollback")


def test_an_account_without_rights_is_not_sent_to_the_script(deployment: Deployment) -> None:
    rollback = COMMANDS["rollback"]
    assert refusal(rollback, read_only=True, read_only_by=ONLOOKER) == f"refused: {ONLOOKER}"
    assert "RETURN.sh" in refusal(rollback, read_only=True, read_only_by="deployment.read_only in config/console.yml")
