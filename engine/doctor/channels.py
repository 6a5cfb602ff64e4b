"""How people are told: variables that are set, programs and servers that are there. Nothing is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from engine.config import Deployment
from engine.config.notify import Channel
from engine.config.templates import sample_contacts
from engine.doctor.finding import Finding
from engine.notify.message import Notice, channels_for
from engine.notify.trial import reaches, unreachable, variables_of
from engine.records import harmless

_EPOCH = datetime.fromtimestamp(0, UTC)
_HERE = ("log", "bell")
"""Kinds that nobody meets who is not at this machine."""


def examine_channels(deployment: Deployment) -> Iterator[Finding]:
    """Each channel, the dead-man URL, and whether a page leaves this machine at all."""
    section = deployment.monitoring
    for name, channel in section.notify.channels.items():
        yield _channel(f"channel {name}", channel)
    if section.dead_man is not None:
        why = _unset(Channel(kind="webhook", url=section.dead_man.url)) or reaches(section.dead_man.url)
        fix = "abaco-ops notify test says more; the monitor's own environment is what counts"
        yield Finding("dead man", "WARN" if why else "ok", harmless(why) or "its address answers", fix if why else "")
    yield _leaves(deployment)
    if not deployment.console.deployment.demo:
        yield _people(deployment)


def _people(deployment: Deployment) -> Finding:
    """Whom a page names, and whom ``w`` shows: not the roles that every new deployment begins with."""
    samples = sample_contacts()
    left = [name for name, contact in deployment.monitoring.contacts.items() if samples.get(name) == contact]
    if not left:
        return Finding("contacts", "ok", "none is the sample that init wrote")
    said = f"{', '.join(left)}: still as init wrote {'it' if len(left) == 1 else 'them'}, with nobody's name"
    fix = "write name and reach (phone, channel) of each into contacts: of config/monitoring.yml, or remove it"
    return Finding("contacts", "WARN", said, fix)


def _channel(name: str, channel: Channel) -> Finding:
    why = _unset(channel) or unreachable(channel)
    if not why:
        return Finding(name, "ok", f"{channel.kind}; abaco-ops notify test sends a marked message")
    fix = "set it where the monitor is started (systemd: EnvironmentFile=)" if _unset(channel) else "mend the channel"
    return Finding(name, "WARN", harmless(f"{channel.kind}: {why}"), fix)


def _unset(channel: Channel) -> str:
    missing = [name for name in variables_of(channel) if not os.environ.get(name)]
    return f"{', '.join(missing)} is not set here" if missing else ""


def _leaves(deployment: Deployment) -> Finding:
    """A P1 that only this machine's log and consoles get pages nobody who sleeps."""
    section = deployment.monitoring
    row = next((tuple(row.told) for row in section.matrix if row.verdict == "ROLL BACK"), ())
    page = Notice(
        "", "opened", "", row, _EPOCH, 0.0, priority="P1", verdict="ROLL BACK", condition="ERR", tier="rollback"
    )
    kinds = {section.notify.channels[name].kind for name in channels_for(section.notify, page)}
    if kinds <= set(_HERE):
        said = "a ROLL BACK would be told by the log and the consoles alone: nobody elsewhere is paged"
        return Finding("paging", "WARN", said, "add a channel and a route to notify in config/monitoring.yml")
    return Finding("paging", "ok", f"a ROLL BACK is told by {', '.join(sorted(kinds))}")
