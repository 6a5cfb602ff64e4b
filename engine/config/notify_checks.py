"""What the types cannot say about channels and routes: fields that belong to a kind, names, literal secrets."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath
from urllib.parse import urlsplit

import msgspec

from engine.config.literal_secrets import ONLY_VARIABLE, VARIABLE, secret_in_header, secret_in_url
from engine.config.located import KeyPath, Located
from engine.config.metrics import check_metrics
from engine.config.monitoring import EscalationSection, MonitoringConfig
from engine.config.notify import Channel, Route
from engine.config.prometheus import check_prometheus

TIERS = ("rollback", "critical", "unknown", "warning")
PRIORITIES = ("P1", "P2", "P3", "P4")
VERDICTS = ("ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH")
_FIELDS = {
    "log": (),
    "bell": (),
    "webhook": ("url",),
    "mail": ("host", "sender", "to"),
    "command": ("command",),
    "apprise": ("urls",),
}
_ALSO = {"webhook": ("headers",), "mail": ("port", "starttls", "username", "password")}
_HINT = 'put it into the environment of the monitor and write "${NAME}" here'


def check_notify(located: Located, config: MonitoringConfig) -> None:
    """The sections notify, updates, dead_man, metrics, prometheus, silences, and what escalation says about them."""
    for name, channel in config.notify.channels.items():
        _check_channel(located, ("notify", "channels", name), channel)
    for index, route in enumerate(config.notify.routes):
        _check_route(located, ("notify", "routes", index), route, config)
    for at, name in enumerate(config.updates.channels):
        _known(located, ("updates", "channels", at), name, config.notify.channels, "channel")
    for where, value in (
        (("notify", "retry"), config.notify.retry),
        (("notify", "give_up"), config.notify.give_up),
        (("updates", "every"), config.updates.every),
        (("updates", "then"), config.updates.then),
        (("silences", "longest"), config.silences.longest),
    ):
        if not value:
            located.report(where, "is 0", "give a time above 0")
    if config.dead_man is not None:
        _check_url(located, ("dead_man", "url"), config.dead_man.url)
        for key in ("every", "deadline"):
            if not getattr(config.dead_man, key):
                located.report(("dead_man", key), "is 0", "give a time above 0")
    check_metrics(located, config.metrics)
    check_prometheus(located, config)
    _check_escalation(located, config.escalation, config)


def _check_escalation(located: Located, section: EscalationSection, config: MonitoringConfig) -> None:
    where: KeyPath = ("escalation",)
    for tier, priority in section.priorities.items():
        _known(located, (*where, "priorities", tier), tier, TIERS, "tier")
        _known(located, (*where, "priorities", tier), priority, PRIORITIES, "priority")
    for index, wait in enumerate(section.waits):
        _known(located, (*where, "waits", index, "contact"), wait.contact, config.contacts, "contact")
        _known(located, (*where, "waits", index, "verdict"), wait.verdict, VERDICTS, "verdict")
    for index, also in enumerate(section.also):
        _known(located, (*where, "also", index, "contact"), also.contact, config.contacts, "contact")
        for at, condition in enumerate(also.conditions):
            _known(located, (*where, "also", index, "conditions", at), condition, config.conditions, "condition")
    for key in ("rolled_back", "rollback_failed"):
        for at, contact in enumerate(getattr(section, key)):
            _known(located, (*where, key, at), contact, config.contacts, "contact")


def _check_route(located: Located, where: KeyPath, route: Route, config: MonitoringConfig) -> None:
    for key, known, what in (
        ("channels", config.notify.channels, "channel"),
        ("conditions", config.conditions, "condition"),
        ("priorities", PRIORITIES, "priority"),
        ("verdicts", VERDICTS, "verdict"),
        ("contacts", config.contacts, "contact"),
    ):
        for at, name in enumerate(getattr(route, key)):
            _known(located, (*where, key, at), name, known, what)


def _check_channel(located: Located, where: KeyPath, channel: Channel) -> None:
    if not channel.deadline:
        located.report((*where, "deadline"), "is 0", "give a time above 0")
    needed = _FIELDS[channel.kind]
    for key in needed:
        if not getattr(channel, key):
            located.report(where, f"lacks the key {key}", f"a channel of the kind {channel.kind} needs it")
    default = Channel(kind=channel.kind)
    for field in msgspec.structs.fields(Channel):
        allowed = ("kind", "deadline", *needed, *_ALSO.get(channel.kind, ()))
        if field.name not in allowed and getattr(channel, field.name) != getattr(default, field.name):
            located.report((*where, field.name), f"says nothing to the kind {channel.kind}", "leave it out")
    _check_secrets(located, where, channel)
    _check_command(located, (*where, "command"), channel.command)


def _check_secrets(located: Located, where: KeyPath, channel: Channel) -> None:
    if channel.url:
        _check_url(located, (*where, "url"), channel.url)
    for name, value in channel.headers.items():
        if secret_in_header(name, value):
            located.report((*where, "headers", name), "looks like a literal secret", _HINT)
    if channel.password and not ONLY_VARIABLE.fullmatch(channel.password):
        located.report((*where, "password"), "is not ${NAME} alone", _HINT)
    if bool(channel.username) != bool(channel.password):
        located.report(where, "has only one of username and password", "give both, or none for no login")
    for index, url in enumerate(channel.urls):
        if not ONLY_VARIABLE.fullmatch(url):
            located.report((*where, "urls", index), "is not ${NAME} alone", f"such URLs are secrets: {_HINT}")


def _check_command(located: Located, where: KeyPath, command: list[str]) -> None:
    if command and not PurePath(command[0]).is_absolute():
        located.report((*where, 0), f"is {command[0]!r}, no absolute path", "name the program from / on")
    for index, word in enumerate(command):
        if VARIABLE.search(word):
            why = "would stand in the process list once it is filled in"
            located.report((*where, index), why, "let the program read it from its environment")


def _check_url(located: Located, where: KeyPath, url: str) -> None:
    try:
        secret = secret_in_url(url)
        scheme = urlsplit(url).scheme
    except ValueError:
        located.report(where, "is no URL", "such as https://host/path")
        return
    if secret:
        located.report(where, f"holds what looks like {secret}", _HINT)
    if not ONLY_VARIABLE.match(url) and scheme not in ("http", "https"):
        located.report(where, "is no web address", "http:// or https://, or ${NAME} for the whole of it")


def _known(located: Located, where: KeyPath, name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        located.report(where, f"names the {what} {name!r}, which is not there", f"one of: {', '.join(known)}")
