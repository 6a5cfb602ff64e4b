"""What the audit trail says that the watch rests on: the cutover, the way back taken, validations, answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.clock import parse_iso
from engine.monitoring.answers import Answer, extend
from engine.records import Record, harmless
from engine.records.form import version_of

VALIDATIONS_KEPT = 400
"""The newest validations, whoever began them; of the watch of now more are kept: see :func:`_kept`."""
HOUR = 3600.0
DECISIONS_KEPT = 60


class Validation(msgspec.Struct, frozen=True):
    """One finished validation."""

    at: datetime
    status: str
    release: str
    checks: dict[str, str]
    scheduled: bool
    boot: float = 0.0
    issues: tuple[str, ...] = ()
    tape_sha256: str | None = None
    """The tape that was judged; None when it could not be read, or when an older release of this program wrote it."""
    data_loss: bool = False
    """Whether rows or published files were found to be lost or altered."""
    boot_id: str = ""
    """The boot that ``boot`` counts from."""
    occasion: str = ""
    """Why the monitor began it: ``slot``, ``again`` (a slot's re-run), ``change``; empty: a person or an operation."""

    @property
    def failed(self) -> bool:
        """Whether it found something wrong, or could not look."""
        return self.status in ("FAIL", "ERROR")

    @property
    def passed_checks(self) -> str:
        """``5/5``."""
        return f"{sum(status == 'PASS' for status in self.checks.values())}/{len(self.checks)}"


class Rehearsed(msgspec.Struct, frozen=True):
    """A rehearsal of a rollback: when, and whether it found everything ready."""

    at: datetime
    ok: bool
    seconds: float | None
    reason: str
    build: str = ""
    """Of the release that it went back to; empty where the record does not say."""


class ChannelsTested(msgspec.Struct, frozen=True):
    """The last test of the alert channels: when, which, and which of them failed."""

    at: datetime
    channels: tuple[str, ...]
    failed: tuple[str, ...]


UNVERIFIED = "unverified name"
"""Of a second name that neither the contacts nor an account of this machine know."""


class Waiver(msgspec.Struct, frozen=True):
    """One criterion that a gate was passed without."""

    criterion: str
    reason: str
    by: str
    second: str
    """Who agreed to it besides: typed, not proven."""
    known: str = ""
    """Where the second name is known from: ``account``, ``contact``, or ``unverified name``; empty: not recorded."""

    @property
    def names(self) -> str:
        """Both names, and that nothing knows the second one."""
        doubt = f" ({self.known})" if self.known == UNVERIFIED else ""
        return f"{self.by or '?'} and {self.second or 'NO SECOND NAME'}{doubt}"


class Decided(msgspec.Struct, frozen=True):
    """Go or no-go at a decision point."""

    gate: str
    decision: str
    """``go`` or ``no-go``."""
    by: str
    at: datetime
    note: str
    waivers: tuple[Waiver, ...] = ()
    criteria: dict[str, str] = {}
    """Criterion -> how it stood: ``met``, ``not met`` or ``unknown``."""
    evidence: dict[str, str] = {}


class Tested(msgspec.Struct, frozen=True):
    """The release's test command, run on the release as installed."""

    at: datetime
    release: str
    build: str
    ok: bool
    reason: str


class Facts(msgspec.Struct, frozen=True):
    """The fold of all events so far; ``seq`` is the last one in it."""

    seq: int = 0
    cutover_at: datetime | None = None
    rolled_back_at: datetime | None = None
    validations: tuple[Validation, ...] = ()
    answers: dict[str, tuple[Answer, ...]] = {}
    proven_at: datetime | None = None
    proven_ok: bool = False
    """How the way back was examined last, at ``proven_at``."""
    proven_snapshot: str = ""
    rehearsed: Rehearsed | None = None
    """The newest rehearsal of a rollback."""
    operated: bool = False
    """Whether a cutover or rollback ever ended, however it did."""
    channels_tested: ChannelsTested | None = None
    updated_at: datetime | None = None
    """When the last status update was sent."""
    decided: tuple[Decided, ...] = ()
    """Decisions at gates, oldest first; those of earlier cutovers too."""
    tested: Tested | None = None
    """The newest run of a release's test command."""
    asked: tuple[str, str] = ("", "")
    """The rollback that was accepted last: operation and reason."""
    rolled_back_by: str = ""
    """The rollback that succeeded last: operation and reason, in words."""
    proven_seconds: float | None = None
    """How long the way back takes, as examined at ``proven_at``."""
    version: int = 1
    """The newest version of the records among them."""

    @property
    def proven(self) -> tuple[datetime, bool, str] | None:
        """When the way back was last examined, whether it stands, and which snapshot was verified for it."""
        return (self.proven_at, self.proven_ok, self.proven_snapshot) if self.proven_at is not None else None

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """Those of the cutover that is being watched."""
        since = self.watching_since
        return tuple(one for one in self.decided if since is not None and one.at >= since)

    @property
    def gone(self) -> dict[str, datetime]:
        """Gate -> when it was decided go, in the watch of now."""
        return {one.gate: one.at for one in self.decisions if one.decision == "go"}

    @property
    def watching_since(self) -> datetime | None:
        """When the cutover that is being watched ended; None before one and after the way back."""
        if self.cutover_at is None or (self.rolled_back_at and self.rolled_back_at >= self.cutover_at):
            return None
        return self.cutover_at


def another_file(events: Sequence[Record], seq: int) -> bool:
    """Whether these, read after the event ``seq``, begin a trail that was put in the place of the one before: its
    numbers are counted anew, and nothing that it holds was read yet.
    """
    return bool(events) and events[0].get("seq") == 1 and int(events[-1].get("seq") or 0) < seq


def fold(facts: Facts, events: Iterable[Record]) -> Facts:
    """``facts`` with the events after ``facts.seq``. One that lacks what its kind needs changes nothing."""
    known = [event for event in events if isinstance(event.get("seq"), int)]
    if another_file(known, facts.seq):
        facts = Facts()
    fresh = [event for event in known if event["seq"] > facts.seq]
    if not fresh:
        return facts
    changes: dict[str, Any] = {
        "seq": int(fresh[-1]["seq"]),
        "version": max(facts.version, *map(version_of, fresh)),
    }
    validations: list[Validation] = []
    for event in fresh:
        try:
            _one(event, changes, validations, facts)
        except (KeyError, TypeError, ValueError):
            continue
    if validations or "cutover_at" in changes:
        since = changes.get("cutover_at", facts.cutover_at)
        changes["validations"] = _kept((*facts.validations, *validations), since)
    answers = extend(facts.answers, fresh)
    if answers is not facts.answers:
        changes["answers"] = dict(answers)
    return msgspec.structs.replace(facts, **changes)


def _kept(done: tuple[Validation, ...], since: datetime | None) -> tuple[Validation, ...]:
    """The newest; of the older ones since the cutover those that serve a slot: every scheduled one, and of those by
    hand the last of each hour, however many a person has run since.
    """
    older, newest = done[:-VALIDATIONS_KEPT], done[-VALIDATIONS_KEPT:]
    if not older or since is None:
        return newest
    last = {(one.release, (one.at - since).total_seconds() // HOUR): one for one in done}
    serving = set(map(id, last.values()))
    return (*(one for one in older if one.at >= since and (one.scheduled or id(one) in serving)), *newest)


def _one(event: Record, changes: dict[str, Any], validations: list[Validation], facts: Facts) -> None:
    kind, at, data = event["kind"], parse_iso(event["at"]), event["data"]
    if kind == "operation.ended":
        when = parse_iso(str(data.get("journal_at") or event["at"]))
        _ended(data, when, changes, facts, str(event.get("operation") or ""))
    elif kind == "operation.accepted":
        changes["asked"] = (str(event.get("operation") or ""), harmless(data.get("reason") or "", 200))
    elif kind == "gate.decided":
        found = _decided(data, at, event)
        changes["decided"] = (*changes.get("decided", facts.decided), found)[-DECISIONS_KEPT:]
    elif kind == "release.tested":
        words = (str(data["release"]), str(data.get("build") or ""), data.get("ok") is True)
        changes["tested"] = Tested(at, *words, harmless(data.get("reason") or "", 200))
    elif kind == "validation.finished":
        if data.get("live", True) is not False:  # a trial on another tape says nothing about production
            validations.append(_validation(data, at, event))
    else:
        _of_readiness(kind, data, at, changes)


def _of_readiness(kind: str, data: dict[str, Any], at: datetime, changes: dict[str, Any]) -> None:
    """What was proven, rehearsed, tested or told: does it still hold?"""
    if kind == "way_back.proven":
        changes |= {"proven_at": at, "proven_ok": data.get("ok") is True}
        changes["proven_snapshot"] = str(data.get("snapshot") or "")
        takes = data.get("seconds")
        changes["proven_seconds"] = float(takes) if isinstance(takes, int | float) else None
    elif kind == "rollback.rehearsed":
        seconds = data.get("seconds")
        took = float(seconds) if isinstance(seconds, int | float) else None
        reason, build = harmless(data.get("reason") or "", 200), harmless(data.get("build") or "", 64)
        changes["rehearsed"] = Rehearsed(at, data.get("ok") is True, took, reason, build)
    elif kind == "notify.tested":
        tested = {str(name): dict(one).get("ok") is True for name, one in dict(data["channels"]).items()}
        changes["channels_tested"] = ChannelsTested(at, tuple(tested), tuple(n for n, ok in tested.items() if not ok))
    elif kind == "update.sent":
        changes["updated_at"] = at


def _decided(data: dict[str, Any], at: datetime, event: Record) -> Decided:
    by = harmless(data.get("by") or event.get("actor") or "?", 60)
    waivers = tuple(
        Waiver(
            str(one["criterion"]),
            harmless(one.get("reason") or "", 200),
            harmless(one.get("by") or by, 60),
            harmless(one.get("second") or "", 60),
            harmless(one.get("known") or "", 20),
        )
        for one in data.get("waivers") or ()
    )
    decision = str(data["decision"])
    if decision not in ("go", "no-go"):
        raise ValueError(f"no decision: {decision}")
    note = harmless(data.get("note") or "", 400)
    said = [_texts(data.get(name)) for name in ("criteria", "evidence")]
    return Decided(str(data["gate"]), decision, by, at, note, waivers, *said)


def _texts(found: object) -> dict[str, str]:
    return {harmless(name, 80): harmless(text, 400) for name, text in found.items()} if isinstance(found, dict) else {}


def _ended(data: dict[str, Any], at: datetime, changes: dict[str, Any], facts: Facts, operation: str) -> None:
    names = {"cutover": "cutover_at", "rollback": "rolled_back_at"}
    if data["kind"] not in names:
        return
    changes["operated"] = True
    name = names[data["kind"]]
    before = changes.get(name) or getattr(facts, name)
    filled_in = data.get("back_filled") is True  # told after the fact: it may be older than what is known
    if data["state"] != "SUCCEEDED" or (filled_in and before is not None and at < before):
        return
    changes[name] = at
    if data["kind"] == "rollback":
        asked = changes.get("asked", facts.asked)
        reason = asked[1] if asked[0] == operation else ""
        changes["rolled_back_by"] = f"operation {operation or '?'}, {reason or 'no reason given'}"


def _validation(data: dict[str, Any], at: datetime, event: Record) -> Validation:
    return Validation(
        at,
        str(data["status"]),
        str(data.get("release") or ""),
        {str(name): str(status) for name, status in dict(data.get("checks") or {}).items()},
        bool(data.get("scheduled")),
        float(event.get("boot") or 0.0),
        tuple(str(issue) for issue in data.get("issues") or ())[:20],
        str(data["tape_sha256"]) if data.get("tape_sha256") else None,
        data.get("data_loss") is True,
        str(data.get("boot_id") or ""),
        harmless(data.get("occasion") or "", 20),
    )
