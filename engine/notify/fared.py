"""How the channels have fared, from what the audit trail says of deliveries and tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.config import Deployment
from engine.records import Record, harmless, read_lines


@dataclass(frozen=True, slots=True)
class Fared:
    """One channel. Of an outage the first failure and what ended it are recorded, not each attempt."""

    channel: str
    delivered: int = 0
    failed: int = 0
    last: str = ""
    """``ok 31 Jan 02:13:04Z: 200 OK``; tests count here too."""

    @property
    def words(self) -> str:
        """``14 delivered, failed once; last ok 31 Jan 02:13:04Z: written``."""
        failures = "once" if self.failed == 1 else f"{self.failed} times"
        counted = f"{self.delivered} delivered" + (f", failed {failures}" if self.failed else "")
        return f"{counted}; last {self.last}"


def how_they_fared(deployment: Deployment) -> tuple[Fared, ...]:
    """Every channel that the audit trail knows. DamagedRecord when it cannot be read."""
    return fared(read_lines(deployment.paths.events))


def fared(events: Iterable[Record]) -> tuple[Fared, ...]:
    """The same of these events; one that lacks what its kind needs counts for nothing."""
    found: dict[str, Fared] = {}
    for event in events:
        data = event.get("data")
        if not isinstance(data, dict):
            continue
        if event.get("kind") == "notified":
            names = data.get("channel")
            for name in names if isinstance(names, list) else [names]:
                before = found.get(str(name), Fared(str(name)))
                ok = data.get("ok") is True
                counted = replace(before, delivered=before.delivered + ok, failed=before.failed + (not ok))
                found[str(name)] = replace(counted, last=_last(event, ok, data.get("detail")))
        elif event.get("kind") == "notify.tested" and isinstance(data.get("channels"), dict):
            for name, one in data["channels"].items():
                if isinstance(one, dict):
                    said = _last(event, one.get("ok") is True, one.get("detail"), "tested ")
                    found[name] = replace(found.get(name, Fared(name)), last=said)
    return tuple(found.values())


def _last(event: Record, ok: bool, detail: object, what: str = "") -> str:
    at = str(event.get("at", ""))[:19].replace("T", " ")
    return harmless(f"{what}{'ok' if ok else 'FAILED'} {at}Z: {detail or 'no detail'}", 160)
