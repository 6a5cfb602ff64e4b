"""How people are told, as configured: optional, every mistake named, no secret in the file nor in a message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.config.located import read_yaml
from engine.config.monitoring import MonitoringConfig
from engine.config.notify_checks import check_notify
from engine.config.templates import write_config
from engine.config.typed import to_struct

SECRET = "hunter2Xq81sWordOfMagic"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("shipped") / "d"
    write_config(root, demo=True)
    plain: dict[str, Any] = yaml.safe_load((root / "config" / "monitoring.yml").read_text())
    return plain


Read = Callable[..., tuple[MonitoringConfig | None, str]]


@pytest.fixture
def read(shipped: dict[str, Any], tmp_path: Path) -> Read:
    """The shipped monitoring.yml with some sections changed (None: left out), and what is wrong with it."""

    def make(**sections: object) -> tuple[MonitoringConfig | None, str]:
        plain = {name: section for name, section in {**shipped, **sections}.items() if section is not None}
        path = tmp_path / "monitoring.yml"
        path.write_text(json.dumps(plain))  # JSON is YAML, and quicker to read
        located = read_yaml(path)
        found = to_struct(located, MonitoringConfig)
        if found is not None:
            check_notify(located, found)
        return found, "\n".join(str(problem) for problem in located.problems)

    return make


def channel(**fields: object) -> dict[str, object]:
    return {"channels": {"x": fields}, "routes": []}


def test_a_file_from_before_these_sections_goes_on_loading_with_log_and_bell(read: Read, shipped: Any) -> None:
    old = {name: shipped["escalation"][name] for name in ("levels", "acknowledge_within")}
    found, wrong = read(notify=None, updates=None, silences=None, escalation=old)
    assert found is not None and wrong == ""
    assert [channel.kind for channel in found.notify.channels.values()] == ["log", "bell"]
    assert found.dead_man is None
    assert found.escalation.priorities["rollback"] == "P1"


def test_the_shipped_clocks_are_those_of_the_operating_documents(read: Read) -> None:
    found, wrong = read()
    assert found is not None and wrong == ""
    assert found.escalation.acknowledge_within == {"P1": 900, "P2": 3600, "P3": 14400, "P4": 86400}
    assert (found.updates.every, found.updates.until, found.updates.then) == (3600, 8 * 3600, 4 * 3600)
    assert found.silences.longest == 86400


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "webhook", "url": f"https://me:{SECRET}@host/x"}, "a user and password"),
        ({"kind": "webhook", "url": f"https://host/hook?token={SECRET}"}, "a secret in the query"),
        ({"kind": "webhook", "url": f"https://hooks.example.com/services/T0/{SECRET}"}, "a secret in the path"),
        ({"kind": "webhook", "url": "https://h/x", "headers": {"Authorization": f"Bearer {SECRET}"}}, "literal secret"),
        ({"kind": "mail", "host": "h", "sender": "a", "to": ["b"], "username": "u", "password": SECRET}, "${NAME}"),
        ({"kind": "apprise", "urls": [f"slack://{SECRET}"]}, "${NAME}"),
        ({"kind": "webhook", "url": [SECRET]}, "may be a secret"),
    ],
)
def test_a_literal_secret_is_refused_with_a_hint_and_not_repeated(read: Read, fields: Any, said: str) -> None:
    told = read(notify=channel(**fields))[1]
    assert said in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (channel(kind="command", command=["page"]), "no absolute path"),
        (channel(kind="command", command=["/bin/page", "${TOKEN}"]), "process list"),
        (channel(kind="webhook"), "lacks the key url"),
        (channel(kind="log", host="h"), "says nothing to the kind log"),
        (channel(kind="webhook", url="file:///etc/passwd"), "no web address"),
        ({"give_up": "0s"}, "notify.give_up: is 0"),
        ({"routes": [{"channels": ["fax"]}]}, "the channel 'fax'"),
        ({"routes": [{"channels": ["log"], "conditions": ["MEMM"]}]}, "the condition 'MEMM'"),
    ],
)
def test_what_could_not_work_is_refused_before_it_is_needed(read: Read, section: Any, said: str) -> None:
    assert said in read(notify=section)[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "webhook", "url": "${HOOK}"},
        {"kind": "webhook", "url": "https://host/hooks/${HOOK}", "headers": {"Authorization": "Bearer ${TOKEN}"}},
        {"kind": "webhook", "url": "http://127.0.0.1:8080/production-alerts"},
    ],
)
def test_what_holds_no_secret_is_taken(read: Read, fields: Any) -> None:
    found, wrong = read(notify=channel(**fields))
    assert found is not None and wrong == ""
