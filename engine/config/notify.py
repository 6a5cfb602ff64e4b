"""How people are told: channels, routes, status updates, the dead-man ping, silences (``config/monitoring.yml``)."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.config.quantities import Duration

ChannelKind = Literal["log", "bell", "webhook", "mail", "command", "apprise"]
NoticeKind = Literal["opened", "escalated", "cleared", "rollback", "update", "test", "gate"]


def _lasts(seconds: float) -> Any:
    """A default that JSON Schema need not print."""
    return msgspec.field(default_factory=lambda: Duration(seconds))


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to tell people. A field belongs to the kinds that its comment names; ``${NAME}`` is read from the
    environment of whoever sends, and never shown.
    """

    kind: ChannelKind
    url: str = ""
    """webhook: where the message is POSTed as JSON."""
    headers: dict[str, str] = {}
    """webhook: more headers."""
    host: str = ""
    """mail: the SMTP server."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 25
    starttls: bool = False
    """mail: encrypt first; a server that cannot is a failure."""
    username: str = ""
    password: str = ""
    """mail: ``${NAME}`` and nothing else."""
    sender: str = ""
    to: list[str] = []
    """mail: addresses."""
    command: list[str] = []
    """command: absolute path and arguments, run without a shell; the message is its stdin."""
    urls: list[str] = []
    """apprise: its URLs, each ``${NAME}``."""
    deadline: Duration = _lasts(10)
    """A delivery that takes longer has failed, and is tried again."""


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages take which channels. Each part that is given must fit; every route that fits counts."""

    channels: list[str]
    conditions: list[str] = []
    priorities: list[str] = []
    verdicts: list[str] = []
    contacts: list[str] = []
    """Fits when one of these is told."""
    kinds: list[NoticeKind] = []


def _channels() -> dict[str, Channel]:
    return {"log": Channel(kind="log"), "bell": Channel(kind="bell")}


class NotifySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Channels by name, routes, and how long a delivery is tried."""

    channels: dict[str, Channel] = msgspec.field(default_factory=_channels)
    routes: list[Route] = msgspec.field(default_factory=lambda: [Route(channels=["log", "bell"])])
    retry: Duration = _lasts(5)
    """First pause after a failure; it doubles up to ``retry_longest``."""
    retry_longest: Duration = _lasts(300)
    give_up: Duration = _lasts(86400)
    """A message that could not be delivered for this long is given up, and that is recorded."""

    @property
    def reaches_people(self) -> bool:
        """Whether a route leads to anybody who sits at no console here: a log and a bell reach nobody else."""
        kinds = {self.channels[name].kind for route in self.routes for name in route.channels if name in self.channels}
        return bool(kinds - {"log", "bell"})


class UpdatesSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a status update is due, counted from the cutover."""

    every: Duration = _lasts(3600)
    until: Duration = _lasts(8 * 3600)
    """Up to here ``every`` counts, from here ``then``."""
    then: Duration = _lasts(4 * 3600)
    last: Duration = _lasts(28 * 86400)
    channels: list[str] = []
    """The monitor sends them here by itself; empty: a due one is shown, and a person sends it."""


class DeadManSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A URL elsewhere that is pinged while the monitor's loop turns: whoever runs it tells when pings stay away."""

    url: str
    every: Duration = _lasts(60)
    method: Literal["GET", "POST"] = "GET"
    deadline: Duration = _lasts(10)


class SilencesSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a silence may be."""

    longest: Duration = _lasts(86400)


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Someone of a verdict's row who is told only when it still stands after a while."""

    verdict: str
    contact: str
    after: Duration


class Also(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told besides the verdict's row."""

    contact: str
    conditions: list[str]
