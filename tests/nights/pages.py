"""Which pages a person with a clock would give: opened, escalated, cleared. Shares no code with the monitor's book.

An alert is one per condition. It is opened when something fires, again when it grows heavier than ever before, and goes
up a level when nobody took it in time; it is cleared when nothing fires. Times count as the machine was on or asleep,
whatever its wall clock was set to.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

WEIGHT = ("", "warning", "unknown", "critical", "rollback")
PRIORITY = {"rollback": "P1", "critical": "P1", "unknown": "P2", "warning": "P3"}
WITHIN = {"P1": 900.0, "P2": 3600.0, "P3": 4 * 3600.0}
LEVELS = ("on_call", "engineering_lead", "vp_engineering", "cto")
DATA = ("DQ", "AUD", "KPIV", "VAL", "ERR")
"""Data Quality hears of these at once, whatever the tier."""
WARNED_AFTER = 600.0
"""Data Ops hears of a warning that stands so long; what it had to hold before it fired counts."""
HELD = {"LAT": 600.0, "E2E": 120.0, "THR": 600.0, "MEM": 600.0, "CPU": 600.0, "RUN": 3600.0}
"""Of each warning, how long that is; 0 for the others."""


@dataclass(frozen=True)
class Page:
    """One event that has to be in the audit trail, once."""

    kind: str
    condition: str
    tier: str
    priority: str
    level: str
    decided: datetime

    def __str__(self) -> str:
        what = f"{self.kind} {self.condition} {self.tier} {self.priority} {self.level}"
        return f"{what} at {self.decided:%d %H:%M:%S}"


@dataclass
class Sheet:
    """What is written down about one alert."""

    tier: str
    peak: str = ""
    level: int = 0
    asked_at: float | None = None
    """Since when somebody who was told could have taken it."""
    warned_at: float | None = None
    """When Data Ops is told, if it still stands."""
    taken: bool = False


class Pages:
    """The alerts of one night."""

    def __init__(self) -> None:
        self.sheets: dict[str, Sheet] = {}
        self.given: list[Page] = []
        self.acknowledged: list[str] = []
        """Conditions that people took since the last tick."""
        self.nobody_since: float | None = None

    def tick(self, firing: dict[str, str], boot: float, wall: datetime, *, lost: bool, patience: float) -> None:
        """``lost``: no release can be identified, and nothing explains that."""
        for condition in self.acknowledged:
            if condition in self.sheets:
                self.sheets[condition].taken = True
        self.acknowledged = []
        now = {name: "unknown" if (name, tier) == ("NODATA", "warning") else tier for name, tier in firing.items()}
        self.nobody_since = (boot if self.nobody_since is None else self.nobody_since) if lost else None
        if self.nobody_since is not None and boot - self.nobody_since >= patience:
            now.setdefault("NODATA", "unknown")
        for name in [name for name in self.sheets if name not in now]:
            self._give("cleared", name, self.sheets.pop(name), wall)
        for name, tier in now.items():
            self._stands(name, tier, boot, wall)

    def _stands(self, name: str, tier: str, boot: float, wall: datetime) -> None:
        sheet = self.sheets.setdefault(name, Sheet(tier))
        sheet.tier = tier
        if WEIGHT.index(tier) > WEIGHT.index(sheet.peak):
            if sheet.peak:  # who took the lighter one has not taken this, and has as long again
                sheet.taken, sheet.asked_at = False, boot if sheet.asked_at is not None else None
            sheet.peak, sheet.warned_at = tier, None
            self._give("opened", name, sheet, wall)
            waits = WARNED_AFTER - HELD.get(name, 0.0) if tier == "warning" else 0.0
            if waits > 0:
                sheet.warned_at = boot + waits
            if sheet.asked_at is None and (waits <= 0 or name in DATA):
                sheet.asked_at = boot
        if sheet.warned_at is not None and boot >= sheet.warned_at:
            sheet.warned_at = None
            sheet.asked_at = boot if sheet.asked_at is None else sheet.asked_at
        last = sheet.level == len(LEVELS) - 1
        if sheet.asked_at is None or sheet.taken or last or boot < sheet.asked_at + WITHIN[PRIORITY[sheet.peak]]:
            return
        sheet.level, sheet.asked_at = sheet.level + 1, boot
        self._give("escalated", name, sheet, wall)

    def _give(self, kind: str, name: str, sheet: Sheet, wall: datetime) -> None:
        priority = PRIORITY[sheet.peak or sheet.tier]
        self.given.append(Page(f"alert.{kind}", name, sheet.tier, priority, LEVELS[sheet.level], wall))


def found_in(events: list[dict[str, object]]) -> Counter[Page]:
    """The pages of an audit trail."""
    found: Counter[Page] = Counter()
    for event in events:
        if str(event["kind"]) not in ("alert.opened", "alert.escalated", "alert.cleared"):
            continue
        data = event["data"]
        assert isinstance(data, dict)
        at = datetime.fromisoformat(str(data.get("decided") or event["at"]).replace("Z", "+00:00"))
        words = (str(data.get(name) or "") for name in ("condition", "tier", "priority", "level"))
        found[Page(str(event["kind"]), *words, at)] += 1  # type: ignore[call-arg, arg-type, misc]
    return found
