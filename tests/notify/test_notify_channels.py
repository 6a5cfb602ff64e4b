"""One delivery through each kind of channel, against real servers: what arrives, and what is said when it does not."""

from __future__ import annotations

import json
import logging
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import msgspec
import pytest
from servers import Post, Web, closed_port, dripping_server, until

from engine.config import Deployment
from engine.notify.channels import DeliveryFailed, Sender
from engine.notify.message import Notice, message_of

SECRET = "s3cr3t/word+of magic"
NOTICE = Notice(
    id="MEM-1.2",
    kind="opened",
    text="MEM 204 MB, above 200\x1b[31m",
    to=("on_call",),
    at=datetime(2026, 1, 31, 9, 10, tzinfo=UTC),
    boot=0.0,
    alert="MEM-1",
    condition="MEM",
    tier="warning",
    priority="P3",
    verdict="WATCH",
)


def deliver(deployment: Deployment, name: str = "x", notice: Notice = NOTICE, **environment: str) -> str:
    channel = deployment.monitoring.notify.channels[name]
    return Sender(deployment, channel, environment).deliver(message_of(deployment, notice))


def failure(deployment: Deployment, **environment: str) -> str:
    with pytest.raises(DeliveryFailed) as caught:
        deliver(deployment, **environment)
    return str(caught.value)


def test_a_webhook_gets_json_that_says_what_whom_and_how_bad(configure: Any, web: Web) -> None:
    made = configure({"x": {"kind": "webhook", "url": f"{web.url}/alerts", "headers": {"X-Team": "night"}}})
    assert deliver(made) == "answered 200"
    ((method, path, headers, _),) = web.requests
    assert (method, path, headers["X-Team"], headers["Idempotency-Key"]) == ("POST", "/alerts", "night", "MEM-1.2")
    (message,) = web.messages
    assert (message["condition"], message["priority"], message["test"]) == ("MEM", "P3", False)
    assert "\\x1b[31m" in message["text"] and "\x1b" not in message["text"]
    assert "abaco-ops ack MEM" in message["text"]


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_an_answer_that_is_no_success_is_a_failure(configure: Any, web: Web, status: int) -> None:
    web.status = status
    assert f"answered {status}" in failure(configure({"x": {"kind": "webhook", "url": web.url}}))


def test_a_redirect_is_not_followed_for_it_would_carry_the_secret_elsewhere(configure: Any, web: Web) -> None:
    web.status, web.location = 302, f"{web.url}/elsewhere"
    assert "answered 302" in failure(configure({"x": {"kind": "webhook", "url": f"{web.url}/alerts"}}))
    assert [path for _, path, _, _ in web.requests] == ["/alerts"]


def test_a_refused_connection_is_said(configure: Any) -> None:
    made = configure({"x": {"kind": "webhook", "url": f"http://127.0.0.1:{closed_port()}/"}})
    assert failure(made) == "cannot be reached: Connection refused"


def test_a_name_that_is_not_there_is_said(configure: Any) -> None:
    made = configure({"x": {"kind": "webhook", "url": "http://no-such-host.invalid/", "deadline": "5s"}})
    assert failure(made).startswith(("cannot be reached", "no answer within"))


def test_a_server_that_hangs_costs_the_deadline_and_no_more(configure: Any, web: Web) -> None:
    web.hangs.set()
    made = configure({"x": {"kind": "webhook", "url": web.url, "deadline": "150ms"}})
    assert failure(made) == "no answer within 0.15 s"


def test_a_server_that_drips_costs_the_deadline_and_no_more(configure: Any) -> None:
    with dripping_server() as port:
        made = configure({"x": {"kind": "webhook", "url": f"http://127.0.0.1:{port}/", "deadline": "300ms"}})
        assert failure(made) == "no answer within 0.3 s"


def test_a_letter_arrives_with_login_and_names_its_message(configure: Any, smtp: Post) -> None:
    smtp.login = ("abaco", SECRET)
    mail = {"kind": "mail", "host": "127.0.0.1", "port": smtp.port, "sender": "a@x", "to": ["b@x", "c@x"]}
    made = configure({"x": {**mail, "username": "abaco", "password": "${WORD}"}})
    assert deliver(made, WORD=SECRET) == "taken for 2 addresses"
    (letter,) = smtp.letters
    assert "Subject: DEMO abaco P3 ALERT MEM" in letter
    assert "Message-ID: <MEM-1.2@abaco>" in letter
    assert "MEM 204 MB" in letter


def test_a_refused_login_repeats_nothing_that_the_server_says(configure: Any, smtp: Post) -> None:
    smtp.login = ("abaco", "another")
    mail = {"kind": "mail", "host": "127.0.0.1", "port": smtp.port, "sender": "a@x", "to": ["b@x"]}
    made = configure({"x": {**mail, "username": "abaco", "password": "${WORD}"}})
    assert failure(made, WORD=SECRET) == "the server refuses the login (535)"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"refuses": "MAIL"}, "(550)"),
        ({"refuses": "RCPT"}, "refuses every address"),
        ({"silent": True}, "no answer within 0.3 s"),
    ],
)
def test_a_mail_server_that_does_not_take_it_is_said(configure: Any, smtp: Post, behaviour: Any, said: str) -> None:
    for name, value in behaviour.items():
        setattr(smtp, name, value)
    mail = {"kind": "mail", "host": "127.0.0.1", "port": smtp.port, "sender": "a@x", "to": ["b@x"]}
    told = failure(configure({"x": {**mail, "deadline": "300ms" if smtp.silent else "5s"}}))
    assert said in told


def test_a_server_without_starttls_is_a_failure_where_it_is_asked_for(configure: Any, smtp: Post) -> None:
    mail = {"kind": "mail", "host": "127.0.0.1", "port": smtp.port, "sender": "a@x", "to": ["b@x"], "starttls": True}
    assert "STARTTLS" in failure(configure({"x": mail}))
    assert smtp.letters == []


def program(tmp_path: Path, body: str) -> str:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_command_gets_the_message_on_its_stdin_and_words_are_words(configure: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    odd = "$(touch /tmp/never); `id`"
    made = configure(
        {"x": {"kind": "command", "command": [program(tmp_path, f'cat > {out}; echo "$1" >> {out}'), odd]}}
    )
    assert deliver(made) == "ended with 0"
    first, *rest = out.read_text().splitlines()
    assert json.loads(first)["condition"] == "MEM"
    assert rest[-1] == odd


def test_a_command_that_fails_or_hangs_is_said_and_nothing_of_it_is_left(configure: Any, tmp_path: Path) -> None:
    assert "ended with 3" in failure(configure({"x": {"kind": "command", "command": [program(tmp_path, "exit 3")]}}))
    pid = tmp_path / "pid"
    hanging = program(tmp_path, f"sleep 60 & echo $! > {pid}; wait")
    assert "killed" in failure(configure({"x": {"kind": "command", "command": [hanging], "deadline": "500ms"}}))
    until(lambda: not runs(pid.read_text().strip()))


def runs(pid: str) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_the_log_is_one_harmless_line_each(configure: Any) -> None:
    made = configure({"x": {"kind": "log"}})
    deliver(made)
    deliver(made)
    lines = made.paths.notifications_log.read_text().splitlines()
    assert len(lines) == 2
    assert "ALERT MEM" in lines[0] and "\x1b" not in lines[0]


def test_apprise_that_is_not_installed_says_how_to_get_it(configure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    made = configure({"x": {"kind": "apprise", "urls": ["${WORD}"]}})
    assert "pip install 'abaco-ops[notify]'" in failure(made, WORD="json://localhost")


@pytest.mark.parametrize(("takes", "said"), [(True, "taken by Apprise"), (False, "could not deliver")])
def test_apprise_gets_the_urls_and_nothing_that_it_warns_about_is_written(
    configure: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], takes: bool, said: str
) -> None:
    class Apprise:
        urls: ClassVar[list[str]] = []

        def add(self, url: str) -> bool:
            self.urls.append(url)
            return True

        def notify(self, *, body: str, title: str) -> bool:
            logging.getLogger("apprise").warning("cannot reach %s", self.urls[-1])
            return takes

    monkeypatch.setitem(sys.modules, "apprise", SimpleNamespace(Apprise=Apprise))
    made = configure({"x": {"kind": "apprise", "urls": ["${WORD}"]}})
    url = f"slack://{SECRET}"
    told = deliver(made, WORD=url) if takes else failure(made, WORD=url)
    assert said in told
    assert Apprise.urls == [url]
    assert not logging.getLogger("apprise").propagate
    assert SECRET not in "".join(capfd.readouterr())


def test_a_variable_that_is_not_set_is_named(configure: Any, web: Web) -> None:
    made = configure({"x": {"kind": "webhook", "url": "${HOOK}"}})
    assert failure(made) == "HOOK is not set in the environment of the process that sends"


def test_telling_people_imports_its_libraries_only_when_they_are_used() -> None:
    unwanted = ("smtplib", "urllib.request", "apprise")
    code = f"import sys, engine.monitoring.monitor; print([m for m in {unwanted} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["opened", "escalated", "cleared", "rollback", "update"])
def test_what_a_drill_leads_to_says_first_of_all_that_it_is_not_real(configure: Any, web: Web, kind: Any) -> None:
    made = configure({"x": {"kind": "webhook", "url": f"{web.url}/alerts"}})
    drilled = msgspec.structs.replace(NOTICE, kind=kind, drill="leak of v2", text="DRILL, not real: MEM 204 MB")
    deliver(made, notice=drilled)
    (message,) = web.messages
    assert message["subject"].startswith("DRILL, not real ") and message["text"].startswith("DRILL, not real")
    assert message["drill"] == "leak of v2"
    assert "DRILL" not in message_of(made, NOTICE).subject + message_of(made, NOTICE).body
