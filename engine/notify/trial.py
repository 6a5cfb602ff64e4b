"""Channels tried: with a marked message, and, for the doctor, without one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from engine.clock import Clock, compact
from engine.config import Deployment
from engine.config.literal_secrets import variables
from engine.config.looking import must_write
from engine.config.notify import Channel
from engine.notify.channels import DeliveryFailed, Sender
from engine.notify.message import TEST_MARK, Notice, message_of
from engine.notify.secrets import SecretMissing, Secrets
from engine.notify.within import StillHangs, Within

REACH_WITHIN = 3.0
_PORTS = {"http": 80, "https": 443}


def try_channels(
    deployment: Deployment,
    names: Sequence[str],
    clock: Clock,
    *,
    actor: str,
    environment: Mapping[str, str] | None = None,
) -> dict[str, tuple[bool, str]]:
    """Channel -> whether it took the test message, and what was said."""
    must_write(deployment, "a test of the channels")
    now = clock.now()
    text = f"{TEST_MARK}: {actor} tests the alert channels"
    notice = Notice(f"test-{compact(now.wall)}", "test", text, (), now.wall, now.boot, tuple(names))
    message = message_of(deployment, notice)
    results: dict[str, tuple[bool, str]] = {}
    for name in names:
        sender = Sender(deployment, deployment.monitoring.notify.channels[name], environment)
        try:
            results[name] = (True, sender.deliver(message))
        except DeliveryFailed as error:
            results[name] = (False, str(error))
    return results


def variables_of(channel: Channel) -> tuple[str, ...]:
    """The environment variables that a channel needs."""
    texts = (channel.url, channel.username, channel.password, *channel.headers.values(), *channel.urls)
    return tuple(dict.fromkeys(name for text in texts for name in variables(text)))


def unreachable(channel: Channel, environment: Mapping[str, str] | None = None) -> str:
    """Why a channel cannot work from here, nothing being sent; empty when nothing is known against it."""
    secrets = Secrets(os.environ if environment is None else environment)
    if channel.kind == "command":
        return "" if shutil.which(channel.command[0]) else f"{channel.command[0]} cannot be run"
    if channel.kind == "apprise":
        there = importlib.util.find_spec("apprise") is not None
        return "" if there else "Apprise is not installed: pip install 'abaco-ops[notify]'"
    try:
        address = _address(channel, secrets)
    except (SecretMissing, ValueError) as error:
        return str(error) if isinstance(error, SecretMissing) else "its URL is no web address"
    return "" if address is None else _connect(*address)


def reaches(url: str, environment: Mapping[str, str] | None = None) -> str:
    """As :func:`unreachable`, for one URL."""
    return unreachable(Channel(kind="webhook", url=url), environment)


def _address(channel: Channel, secrets: Secrets) -> tuple[str, int] | None:
    if channel.kind == "mail":
        return channel.host, channel.port
    if channel.kind != "webhook":
        return None
    parts = urlsplit(secrets.filled(channel.url))
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(parts.scheme)
    return parts.hostname, parts.port or _PORTS[parts.scheme]


def _connect(host: str, port: int) -> str:
    def attempt() -> str:
        with socket.create_connection((host, port), timeout=REACH_WITHIN):
            return ""

    within: Within[str] = Within()
    try:
        return within.run(REACH_WITHIN, attempt)
    except StillHangs:
        return f"no connection within {REACH_WITHIN:g} s"
    except OSError as error:
        return f"no connection: {error.strerror or type(error).__name__}"
