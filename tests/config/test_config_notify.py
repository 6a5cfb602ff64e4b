"""How people are told, as configured: optional, every mistake named, no secret in the file nor in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.config import ConfigError, load_deployment
from engine.config.templates import write_config

SECRET = "hunter2Xq81sWordOfMagic"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_config(tmp_path / "d", demo=True)
    return tmp_path / "d"


def rewrite(root: Path, **sections: object) -> None:
    path = root / "config" / "monitoring.yml"
    plain = yaml.safe_load(path.read_text())
    for name, section in sections.items():
        if section is None:
            plain.pop(name, None)
        else:
            plain[name] = section
    path.write_text(yaml.safe_dump(plain, sort_keys=False))


def channel(**fields: object) -> dict[str, object]:
    return {"channels": {"x": fields}, "routes": []}


def refusal(root: Path, **sections: object) -> str:
    rewrite(root, **sections)
    with pytest.raises(ConfigError) as caught:
        load_deployment(root)
    return str(caught.value)


def test_a_file_from_before_these_sections_goes_on_loading_with_log_and_bell(root: Path) -> None:
    path = root / "config" / "monitoring.yml"
    plain = yaml.safe_load(path.read_text())
    levels, clocks = plain["escalation"]["levels"], plain["escalation"]["acknowledge_within"]
    old = {"levels": levels, "acknowledge_within": clocks}
    rewrite(root, notify=None, updates=None, silences=None, escalation=old)
    found = load_deployment(root).monitoring
    assert [channel.kind for channel in found.notify.channels.values()] == ["log", "bell"]
    assert found.dead_man is None
    assert found.escalation.priorities["rollback"] == "P1"


def test_the_shipped_clocks_are_those_of_the_operating_documents(root: Path) -> None:
    found = load_deployment(root).monitoring
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
def test_a_literal_secret_is_refused_with_a_hint_and_not_repeated(root: Path, fields: object, said: str) -> None:
    told = refusal(root, notify=channel(**fields))
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
        ({"routes": [{"channels": ["fax"]}]}, "the channel 'fax'"),
        ({"routes": [{"channels": ["log"], "conditions": ["MEMM"]}]}, "the condition 'MEMM'"),
    ],
)
def test_what_could_not_work_is_refused_before_it_is_needed(root: Path, section: object, said: str) -> None:
    assert said in refusal(root, notify=section)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "webhook", "url": "${HOOK}"},
        {"kind": "webhook", "url": "https://host/hooks/${HOOK}", "headers": {"Authorization": "Bearer ${TOKEN}"}},
        {"kind": "webhook", "url": "http://127.0.0.1:8080/production-alerts"},
    ],
)
def test_what_holds_no_secret_is_taken(root: Path, fields: object) -> None:
    rewrite(root, notify=channel(**fields))
    assert "x" in load_deployment(root).monitoring.notify.channels
