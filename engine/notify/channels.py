"""The channels: one delivery each, within its deadline, with a sentence that holds no secret."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping

from engine.clock import iso
from engine.config import Deployment
from engine.config.notify import Channel
from engine.notify.message import Message
from engine.notify.secrets import SecretMissing, Secrets
from engine.notify.within import StillHangs, Within
from engine.records import harmless
from engine.records.atomic import open_to_append

SOCKET = 1.5
"""A socket's own patience, in deadlines: it ends what was left behind."""
Send = Callable[[Channel, Message, Secrets, Deployment], str]
"""Delivers, and says how; raises DeliveryFailed, OSError or SecretMissing."""


class DeliveryFailed(Exception):
    """The message was not taken; the text says why. ``refused``: this message is never taken, others may be."""

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class Sender:
    """One configured channel. :meth:`deliver` blocks up to the deadline, and never longer."""

    def __init__(self, deployment: Deployment, channel: Channel, environment: Mapping[str, str] | None = None) -> None:
        self._deployment = deployment
        self._channel = channel
        self._environment = os.environ if environment is None else environment
        self._within: Within[str] = Within()

    def deliver(self, message: Message) -> str:
        """What the other side said, in a few words. DeliveryFailed with the reason; no secret in either."""
        secrets = Secrets(self._environment)
        send = _KINDS[self._channel.kind]
        try:
            said = self._within.run(
                float(self._channel.deadline), lambda: send(self._channel, message, secrets, self._deployment)
            )
        except (DeliveryFailed, SecretMissing, StillHangs) as error:
            refused = isinstance(error, DeliveryFailed) and error.refused
            raise DeliveryFailed(harmless(secrets.masked(str(error)), 200), refused=refused) from None
        except OSError as error:
            raise DeliveryFailed(harmless(secrets.masked(error.strerror or str(error)), 200)) from None
        except Exception as error:  # whatever a library raises must not end the thread that tells people
            raise DeliveryFailed(f"failed: {type(error).__name__}") from None
        return harmless(secrets.masked(said), 200)


def _log(channel: Channel, message: Message, secrets: Secrets, deployment: Deployment) -> str:
    notice = message.notice
    told = "; ".join(message.people) or "nobody by name"
    text = harmless(f"{message.subject} | {message.text} | told: {told}", 1000)
    descriptor = open_to_append(deployment.paths.notifications_log)
    try:
        os.write(descriptor, f"{iso(notice.at)} {text}\n".encode())
    finally:
        os.close(descriptor)
    return "written"


def _bell(channel: Channel, message: Message, secrets: Secrets, deployment: Deployment) -> str:
    return "left to the consoles that are open"


def _webhook(channel: Channel, message: Message, secrets: Secrets, deployment: Deployment) -> str:
    from engine.notify import web  # a channel's libraries are paid for by who uses it

    headers = {name: secrets.filled(value) for name, value in channel.headers.items()}
    return web.post(secrets.filled(channel.url), headers, message, SOCKET * channel.deadline)


def _mail(channel: Channel, message: Message, secrets: Secrets, deployment: Deployment) -> str:
    from engine.notify import mail

    password = secrets.filled(channel.password)
    return mail.send(channel, secrets.filled(channel.username), password, message)


def _command(channel: Channel, message: Message, secrets: Secrets, deployment: Deployment) -> str:
    """Its output is not kept: what it knows besides the message is its own affair."""
    import msgspec

    told = msgspec.json.encode(message.as_json()) + b"\n" + message.body.encode() + b"\n"
    process = subprocess.Popen(
        channel.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=deployment.root,
        start_new_session=True,
    )
    try:
        process.communicate(told, timeout=float(channel.deadline) * 0.9)
    except subprocess.TimeoutExpired:
        raise DeliveryFailed(f"did not end within {channel.deadline:g} s and was killed") from None
    finally:
        if process.poll() is None:
            _kill(process)
    if process.returncode != 0:
        raise DeliveryFailed(f"ended with {process.returncode}; run it by hand to see why")
    return "ended with 0"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With everything that it started: its session is its own."""
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _apprise(channel: Channel, message: Message, secrets: Secrets, deployment: Deployment) -> str:
    try:
        import apprise
    except ImportError:
        raise DeliveryFailed("Apprise is not installed: pip install 'abaco-ops[notify]'") from None
    import logging

    logger = logging.getLogger("apprise")  # what it warns about may hold its URLs, which are secrets
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    carrier = apprise.Apprise()
    for url in channel.urls:
        if not carrier.add(secrets.filled(url)):
            raise DeliveryFailed("Apprise does not understand one of the URLs")
    if not carrier.notify(body=message.body, title=message.subject):
        raise DeliveryFailed("Apprise could not deliver it to all of its URLs")
    return "taken by Apprise"


_KINDS: dict[str, Send] = {
    "log": _log,
    "bell": _bell,
    "webhook": _webhook,
    "mail": _mail,
    "command": _command,
    "apprise": _apprise,
}
