"""Written series and events of a rule test: ``0.7x600 220x720``, ``5m restart``. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from engine.config.quantities import Duration

LOST = None
"""A sample that did not arrive."""
MOST_SAMPLES = 1_000_000
MOST_LOOKS = 100_000
"""Looks of the monitor, or runs, that one test may need up to its last expectation: some seconds."""
_SHOWN = 40
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_TOKEN = re.compile(rf"(?P<value>_|{_NUMBER})(?:(?P<step>[-+](?:[0-9]+\.?[0-9]*|\.[0-9]+))?x(?P<count>[0-9]+))?")
_FOREVER = re.compile(rf"(?P<value>_|{_NUMBER})\*")
NOTATION = "values as in 0.7x600 220x720, _ for a lost sample, 100+0.5x60 for a slope, 0.7* to the end"
EVENTS = (
    "TIME restart | TIME suspend 20m | TIME step +1h | TIME monitor restart | TIME monitor down 5m | TIME reboot | "
    "TIME release NAME | TIME operation 1m | TIME data loss | TIME data whole"
)


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one metric, one per step; None: lost. ``forever`` goes on after the last one."""

    values: tuple[float | None, ...]
    forever: float | None = LOST

    def at(self, index: int) -> float | None:
        """The value of one step."""
        return self.values[index] if index < len(self.values) else self.forever


def parse_series(text: str) -> Series:
    """ValueError with the token that is wrong."""
    values: list[float | None] = []
    tokens = text.split()
    if not tokens:
        raise ValueError(f"is empty; {NOTATION}")
    for number, token in enumerate(tokens, start=1):
        endless = _FOREVER.fullmatch(token)
        if endless is not None:
            if number < len(tokens):
                raise ValueError(f"{token!r} never ends, so that nothing may follow it")
            return Series(tuple(values), _value(endless["value"]))
        match = _TOKEN.fullmatch(token)
        if match is None or (match["value"] == "_" and match["step"]):
            raise ValueError(f"{token!r} is no value; {NOTATION}")
        digits = (match["count"] or "1").lstrip("0") or "0"
        if len(digits) > len(str(MOST_SAMPLES)) or len(values) + int(digits) > MOST_SAMPLES:
            raise ValueError(f"has more than {MOST_SAMPLES} samples")
        count, first, step = int(digits), _value(match["value"]), _value(match["step"] or "0") or 0.0
        if first is not None and not math.isfinite(first + count * step):
            raise ValueError(f"{_short(token)} leads to no finite number")
        # rounded, so that 100+0.1x30 reaches 103 and not 103.00000000000004
        values += [None if first is None else round(first + k * step, 9) for k in range(count)]
    return Series(tuple(values))


def _value(text: str) -> float | None:
    if text == "_":
        return LOST
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{_short(text)} is no finite number")
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to the machine, the service or the monitor."""

    at: float
    kind: str
    seconds: float = 0.0
    name: str = ""


_BARE = {
    "restart": "restart",
    "reboot": "reboot",
    "monitor restart": "monitor restart",
    "data loss": "data loss",
    "data whole": "data whole",
}
_TIMED = re.compile(r"(?P<kind>suspend|monitor down|operation) (?P<time>\S+)")
_STEP = re.compile(r"step (?P<sign>[-+])(?P<time>\S+)")


def parse_happening(text: str) -> Happening:
    """``5m restart``, ``20m suspend 20m``, ``1h step +1h``. ValueError when it is none of these."""
    when, _, what = " ".join(text.split()).partition(" ")
    try:
        at = Duration.parse(when)
        if what in _BARE:
            return Happening(at, _BARE[what])
        if (match := _TIMED.fullmatch(what)) is not None:
            return Happening(at, match["kind"], Duration.parse(match["time"]))
        if (match := _STEP.fullmatch(what)) is not None:
            seconds = Duration.parse(match["time"])
            return Happening(at, "step", -seconds if match["sign"] == "-" else seconds)
    except ValueError as error:
        raise ValueError(f"{text!r} holds no time: {error}") from error
    name = re.fullmatch(r"release (\S+)", what)
    if name is not None:
        return Happening(at, "release", name=name[1])
    raise ValueError(f"{text!r} is nothing that can happen; {EVENTS}")
