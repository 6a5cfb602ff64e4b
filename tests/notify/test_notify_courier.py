"""The threads that carry notices: nothing waits for them, nothing is lost, each outage is recorded once."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from servers import Post as MailServer
from servers import Web, closed_port, until

from engine.config import Deployment
from engine.config.notify import DeadManSection
from engine.config.quantities import Duration
from engine.notify import courier
from engine.notify.courier import Post
from engine.notify.dead_man import DeadMan
from engine.notify.message import Notice
from engine.notify.outage import Recorder
from engine.notify.secrets import Secrets
from engine.notify.trial import try_channels
from engine.notify.waiting import Waiting

QUEUE = 20
SECRET = "zweiundvierzig-Xq81"


def notice(number: int, channels: tuple[str, ...] = ("x",), boot: float = 1000.0) -> Notice:
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    return Notice(f"MEM-1.{number}", "opened", f"number {number}", ("on_call",), at, boot, channels, condition="MEM")


def recorded(deployment: Deployment, channel: str = "x") -> list[tuple[bool, str]]:
    path = deployment.paths.events
    events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    told = [event["data"] for event in events if event["kind"] == "notified"]
    return [(data["ok"], data["detail"]) for data in told if data["channel"] == channel]


@pytest.fixture
def post_of(clock: Any) -> Iterator[Callable[..., Post]]:
    made: list[Post] = []

    def make(deployment: Deployment, **environment: str) -> Post:
        made.append(Post(deployment, clock, environment))
        return made[-1]

    yield make
    for post in made:
        post.close()


class Kept:
    """The outbox as the book keeps it: what was delivered leaves it."""

    def __init__(self, post: Post, *notices: Notice) -> None:
        self.post = post
        self.outbox = {one.id: one for one in notices}

    def turn(self) -> bool:
        for identity, _ in self.post.done():
            self.outbox.pop(identity, None)
        self.post.offer(self.outbox.values())
        return not self.outbox


def test_each_is_delivered_once_in_order_and_recorded_however_often_it_is_offered(
    configure: Any, web: Web, post_of: Any
) -> None:
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    kept = Kept(post_of(made), *(notice(number) for number in range(5)))
    until(kept.turn)
    assert [message["id"] for message in web.messages] == [f"MEM-1.{number}" for number in range(5)]
    until(lambda: recorded(made) == [(True, "answered 200")] * 5)


def test_alerts_of_one_tick_for_the_same_people_are_one_message_and_each_is_recorded(
    configure: Any, web: Web, post_of: Any
) -> None:
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    crash, run, none = (
        msgspec.structs.replace(notice(number), condition=name, alert=f"{name}-1", priority=priority)
        for number, (name, priority) in enumerate((("RUN", "P1"), ("CRASH", "P1"), ("NODATA", "P2")))
    )
    later = msgspec.structs.replace(notice(4, boot=1005.0), condition="LAT")
    others = msgspec.structs.replace(notice(5), condition="MEM", to=("data_ops",))
    kept = Kept(post_of(made), crash, run, none, later, others)
    until(kept.turn)
    assert [message["conditions"] for message in web.messages] == [["RUN", "CRASH", "NODATA"], ["LAT"], ["MEM"]]
    text = web.messages[0]["text"]
    assert "ALERT RUN, CRASH, NODATA:" in text
    assert "acknowledge: abaco-ops ack --all --reason TEXT" in text
    until(lambda: len(recorded(made)) == 5)


def test_an_outage_is_recorded_once_with_its_count_is_a_problem_meanwhile_and_ends_in_a_delivery(
    configure: Any, web: Web, post_of: Any
) -> None:
    web.status = 503
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    post = post_of(made)
    kept = Kept(post, notice(1), notice(2))
    kept.turn()
    until(lambda: len(web.requests) >= 3)
    assert any("channel x failed" in trouble and "503" in trouble for trouble in post.troubles())
    assert recorded(made) == [(False, "answered 503 Service Unavailable")]
    web.status = 200
    until(kept.turn)
    until(lambda: len(recorded(made)) == 3)
    assert recorded(made)[1][1].startswith("answered 200, after ")
    assert recorded(made)[2] == (True, "answered 200")
    assert post.troubles() == []


def test_a_channel_that_hangs_holds_up_no_other_and_nobody_who_offers(configure: Any, web: Web, post_of: Any) -> None:
    web.hangs.set()
    made = configure({"x": {"kind": "webhook", "url": web.url}, "log": {"kind": "log"}})
    kept = Kept(post_of(made), notice(1, ("x", "log")))
    kept.turn()
    until(lambda: recorded(made, "log"))
    assert recorded(made, "x") == []
    web.hangs.clear()
    until(kept.turn)


def test_what_has_no_room_in_the_queue_is_taken_when_there_is(
    configure: Any, web: Web, post_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "QUEUE", QUEUE)
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    web.hangs.set()
    kept = Kept(post_of(made), *(notice(number) for number in range(QUEUE + 20)))
    kept.turn()
    web.hangs.clear()
    until(kept.turn, 60)
    assert len({message["id"] for message in web.messages}) == QUEUE + 20


def test_what_nobody_takes_for_too_long_is_given_up_and_that_is_recorded(
    configure: Any, clock: Any, post_of: Any
) -> None:
    url = f"http://127.0.0.1:{closed_port()}/"
    made = configure({"x": {"kind": "webhook", "url": url}}, give_up="1h")
    kept = Kept(post_of(made), notice(1, boot=clock.boot))
    kept.turn()
    until(lambda: recorded(made))
    clock.advance(3601)
    until(kept.turn)
    until(lambda: any(detail.startswith("GIVEN UP") for _, detail in recorded(made)))


def test_a_trail_that_cannot_be_written_delays_no_delivery_and_is_written_later(
    configure: Any, web: Web, post_of: Any
) -> None:
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    made.paths.events.mkdir(parents=True)
    post = post_of(made)
    kept = Kept(post, notice(1))
    until(kept.turn)
    until(lambda: any("audit trail" in trouble for trouble in post.troubles()))
    made.paths.events.rmdir()
    post.recorder.again()
    assert recorded(made) == [(True, "answered 200")]
    assert post.troubles() == []


# ---- one message that cannot be delivered


def named(condition: str, number: int, kind: Any = "opened", priority: str = "P1") -> Notice:
    """A notice of an alert of its own, each decided at another moment: no two of them are one message."""
    one = notice(number, boot=1000.0 + number)
    alert = f"{condition}-1"
    return msgspec.structs.replace(
        one, id=f"{alert}.{number}", kind=kind, alert=alert, condition=condition, priority=priority
    )


def answering(web: Web, condition: str, status: int) -> None:
    """The server answers so to whatever tells of this condition, and takes everything else."""
    web.answer = lambda body: status if condition in json.loads(body)["conditions"] else 200


def test_a_message_that_is_refused_for_good_is_recorded_as_such_and_holds_up_no_page(
    configure: Any, web: Web, post_of: Any
) -> None:
    answering(web, "ERR", 400)
    made = configure({"x": {"kind": "webhook", "url": web.url}}, retry="1h", retry_longest="1h")
    post = post_of(made)
    kept = Kept(post, named("ERR", 1), named("VAL", 2), named("ERR", 3, "escalated"))
    until(kept.turn)
    until(lambda: len(recorded(made)) == 3)
    assert [message["id"] for message in web.messages] == ["ERR-1.1", "VAL-1.2", "ERR-1.3"]  # each tried once
    assert (False, "REFUSED, not tried again: answered 400 Bad Request") in recorded(made)
    assert any("channel x failed once" in trouble and "400" in trouble for trouble in post.troubles())


@pytest.mark.parametrize("status", [404, 408, 429, 500, 503])
def test_a_message_that_fails_for_now_waits_alone_and_is_tried_again(
    configure: Any, web: Web, post_of: Any, status: int
) -> None:
    answering(web, "ERR", status)
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    kept = Kept(post_of(made), named("ERR", 1))
    kept.turn()
    until(lambda: len(web.requests) >= 2)
    kept.outbox |= {one.id: one for one in (named("VAL", 2), named("LAT", 3))}
    until(lambda: not kept.turn() and list(kept.outbox) == ["ERR-1.1"])
    web.answer = None
    until(kept.turn)


def test_a_heavier_page_goes_before_a_lighter_one_that_waits_as_long() -> None:
    waiting = Waiting(5.0, 300.0)
    waiting.add([named("DQ", 1, priority="P3"), named("ERR", 2), named("LAT", 3, priority="P2")])
    assert order(waiting) == ["ERR-1.2", "LAT-1.3", "DQ-1.1"]


def test_what_was_not_tried_yet_goes_before_what_failed_and_is_due_again() -> None:
    waiting = Waiting(5.0, 300.0)
    old, new = named("ERR", 1), named("DQ", 2, priority="P3")
    waiting.add([old])
    waiting.failed([old], 0.0)
    waiting.add([new])
    assert waiting.next(60.0) == [new]


def test_nobody_hears_that_it_is_over_before_hearing_that_it_began() -> None:
    waiting = Waiting(5.0, 300.0)
    opened, cleared = named("ERR", 1), named("ERR", 2, "cleared")
    waiting.add([opened, cleared])
    waiting.failed([opened], 0.0)
    assert waiting.next(1.0) == []
    assert waiting.next(5.0) == [opened]
    waiting.over([opened], works=True)
    assert waiting.next(5.0) == [cleared]


def order(waiting: Waiting) -> list[str]:
    """The ids as they leave, everything being taken."""
    left: list[str] = []
    while found := waiting.next(0.0):
        left += [one.id for one in found]
        waiting.over(found, works=True)
    return left


def test_a_value_that_is_no_text_is_a_failure_that_names_its_variable_and_the_channel_lives_on(
    configure: Any, web: Web, post_of: Any, clock: Any
) -> None:
    made = configure({"x": {"kind": "webhook", "url": "${HOOK}"}})
    environment = {"HOOK": f"{web.url}/\udcff"}
    post = post_of(made, **environment)
    kept = Kept(post, notice(1))
    kept.turn()
    until(lambda: recorded(made))
    assert recorded(made) == [(False, "HOOK holds bytes that are no text (UTF-8): set it anew, and start the monitor")]
    until(lambda: any("HOOK holds bytes" in trouble for trouble in post.troubles()))
    tried = try_channels(made, ["x"], clock, actor="t", environment=environment)
    assert tried["x"][0] is False
    assert "HOOK" in tried["x"][1]


def test_a_mistake_of_our_own_is_recorded_and_costs_no_later_page(
    configure: Any, web: Web, post_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = courier.message_of, [True]

    def once_broken(*given: Any) -> Any:
        if broken.pop() if broken else False:
            raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")
        return whole(*given)

    monkeypatch.setattr(courier, "message_of", once_broken)
    made = configure({"x": {"kind": "webhook", "url": web.url}})
    until(Kept(post_of(made), notice(1)).turn)
    until(lambda: len(recorded(made)) == 2)
    assert recorded(made)[0] == (False, "failed: UnicodeEncodeError")
    assert recorded(made)[1][1].startswith("answered 200, after 1 failed attempt")


# ---- the dead man


def test_the_dead_man_is_pinged_as_often_as_configured_and_only_after_a_beat(
    configure: Any, web: Web, clock: Any
) -> None:
    made = configure({"log": {"kind": "log"}})
    section = DeadManSection(f"{web.url}/${{KEY}}", every=Duration(60))
    man = DeadMan(section, clock, Recorder(made, clock), {"KEY": "abc"})
    for _ in range(120):
        man.beat(clock.now())
        clock.advance(1)
        if clock.boot % 60 == 41:
            web.arrived.acquire(timeout=5)
    man.close()
    assert [(method, path) for method, path, _, _ in web.requests] == [("GET", "/abc")] * 2


def test_a_dead_man_that_does_not_answer_is_one_recorded_outage(configure: Any, web: Web, clock: Any) -> None:
    made = configure({"log": {"kind": "log"}})
    web.status = 500
    man = DeadMan(DeadManSection(web.url, every=Duration(1)), clock, Recorder(made, clock), {})
    for count in range(1, 4):
        man.beat(clock.now())
        until(lambda wanted=count: man.outage.failures == wanted)
        clock.advance(1)
    assert "channel dead_man failed 3 times" in man.outage.words
    assert len(recorded(made, "dead_man")) == 1
    web.status = 200
    man.beat(clock.now())
    until(lambda: len(recorded(made, "dead_man")) == 2)
    man.close()


# ---- secrets


@pytest.mark.parametrize("form", [str, quote, quote_plus, lambda value: b64encode(value.encode()).decode()])
def test_a_value_that_was_filled_in_is_masked_in_every_form_in_which_it_is_sent(form: Any) -> None:
    secrets, word = Secrets({"WORD": "zwei und/vierzig+42"}), "zwei und/vierzig+42"
    whole = secrets.filled("https://h/${WORD}/x")
    assert word in whole
    assert secrets.masked(f"cannot reach {form(word)}: refused") == "cannot reach ***: refused"
    assert word not in secrets.masked(whole)


def _places(deployment: Deployment) -> str:
    """Every file of the deployment, and every command line of this machine."""
    texts = [path.read_bytes().decode("utf-8", "replace") for path in deployment.root.rglob("*") if path.is_file()]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(texts)


@pytest.mark.parametrize("works", [True, False])
def test_no_secret_reaches_a_file_an_event_an_error_or_a_process_list(
    configure: Any, web: Web, smtp: MailServer, post_of: Any, tmp_path: Path, works: bool
) -> None:
    web.status = 200 if works else 403
    smtp.login = ("abaco", SECRET if works else "another")
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 0.2\nexit " + ("0" if works else "1") + "\n")
    program.chmod(0o755)
    mail = {"kind": "mail", "host": "127.0.0.1", "port": smtp.port, "sender": "a@x", "to": ["b@x"]}
    made = configure(
        {
            "path": {"kind": "webhook", "url": f"{web.url}/hooks/${{WORD}}"},
            "query": {"kind": "webhook", "url": f"{web.url}/?token=${{WORD}}"},
            "whole": {"kind": "webhook", "url": "${URL}"},
            "odd": {"kind": "webhook", "url": "http://${WORD} with spaces/${WORD}"},
            "header": {"kind": "webhook", "url": web.url, "headers": {"Authorization": "Bearer ${WORD}"}},
            "mail": {**mail, "username": "abaco", "password": "${WORD}"},
            "program": {"kind": "command", "command": [str(program)]},
            "log": {"kind": "log"},
        }
    )
    channels = tuple(made.monitoring.notify.channels)
    post = post_of(made, WORD=SECRET, URL=f"{web.url}/{SECRET}")
    kept = Kept(post, notice(1, channels))
    kept.turn()
    expected = len(channels)
    until(lambda: sum(len(recorded(made, name)) > 0 for name in channels) == expected)
    found = _places(made) + "\n".join(post.troubles())
    assert SECRET not in found
    assert b64encode(f"\0abaco\0{SECRET}".encode()).decode() not in found
    assert any(SECRET in path for _, path, _, _ in web.requests), "it really was used"
    assert any(SECRET in headers.get("Authorization", "") for _, _, headers, _ in web.requests)
