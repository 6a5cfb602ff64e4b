"""Telling systemd that this process is ready and alive, where it asks for that: the protocol of sd_notify(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

_SOCKET = "NOTIFY_SOCKET"
_FOR_US_ALONE = (_SOCKET, "WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """Whoever started this process and wants to hear of it; nobody, where there is no such address."""

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @property
    def listens(self) -> bool:
        """Whether there is one: it starts this process anew when it ends."""
        return bool(self._address)

    def tell(self, *words: str) -> bool:
        """``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``; whether somebody was told. Never raises and never waits."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(words).encode(), self._address)
        except OSError:
            return False  # it ends us when it hears nothing: that is its business
        return True


def service_manager(environment: MutableMapping[str, str] | None = None) -> ServiceManager:
    """From the environment, which forgets it: what this process starts does not speak for it."""
    known = os.environ if environment is None else environment
    address = known.get(_SOCKET, "")
    for name in _FOR_US_ALONE:
        known.pop(name, None)
    return ServiceManager(address if address.startswith(("/", "@")) else "")
