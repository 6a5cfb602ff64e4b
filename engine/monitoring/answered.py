"""What people wrote about conditions, for those who only read: who took which, and what is silenced until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from engine.clock import Instant, parse_iso
from engine.monitoring.alerts import Silence, Taken, taken_of
from engine.records import Record, harmless

_LABEL = Instant(datetime.fromtimestamp(0, UTC), 0.0)


class Answered(msgspec.Struct, frozen=True):
    """The newest acknowledgement and silence of each condition, and when each was written."""

    taken: dict[str, Taken] = {}
    silences: dict[str, tuple[datetime, Silence]] = {}

    def silenced(self, now: datetime) -> dict[str, Silence]:
        """Those that hold at ``now``."""
        return {name: one for name, (_, one) in self.silences.items() if one.until > now}


def answered(before: Answered, events: Iterable[Record]) -> Answered:
    """``before`` with ``events`` added; one that lacks what it needs changes nothing."""
    for event in events:
        kind, data = event.get("kind"), event.get("data")
        if kind not in ("ack", "silenced") or not isinstance(data, dict):
            continue
        try:
            condition, at = str(data["condition"]), parse_iso(str(event["at"]))
            if kind == "ack":
                taken = {**before.taken, condition: taken_of(event, data, _LABEL)}
                before = msgspec.structs.replace(before, taken=taken)
            else:
                by, reason = harmless(event.get("actor") or "?", 60), harmless(data.get("reason") or "", 400)
                silence = Silence(by, reason, parse_iso(str(data["until"])), 0.0)
                silences = {**before.silences, condition: (at, silence)}
                before = msgspec.structs.replace(before, silences=silences)
        except (KeyError, TypeError, ValueError):
            continue
    return before
