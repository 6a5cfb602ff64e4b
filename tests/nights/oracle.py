"""What a person with paper and a ruler would conclude from the samples received, by the rules of the design.

Shares no code with the monitor: the limits stand here once more as the facts of the trade have them, the longest suffix
is looked for in the whole list at each tick, and nothing is carried from tick to tick but what fires.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

from pages import Pages
from world import CORES, TICKS, RunSeen, Validated, World

HEAVY = ("rollback", "critical", "warning")
CRITICAL = ("rollback", "critical")


@dataclass(frozen=True)
class Tier:
    """One limit: as in the facts, times in seconds."""

    enter: float
    hold: float = 0.0
    runs: int = 1
    clear_hold: float | None = None


@dataclass(frozen=True)
class Rule:
    """One condition."""

    per: str
    tiers: dict[str, Tier]
    lower_is_worse: bool = False
    reached_is_enough: bool = False


RULES = {
    "LAT": Rule("run", {"warning": Tier(100, 600), "critical": Tier(500, 120), "rollback": Tier(500, 900)}),
    "E2E": Rule("run", {"warning": Tier(30, 120, 2), "rollback": Tier(60, 120, 2)}),
    "THR": Rule("run", {"warning": Tier(75, 600), "rollback": Tier(50, 600)}, lower_is_worse=True),
    "ERR": Rule("run", {"warning": Tier(0.1), "critical": Tier(5), "rollback": Tier(5, 300)}),
    "MEM": Rule("sample", {"warning": Tier(200, 600), "critical": Tier(500, 600), "rollback": Tier(500, 600)}),
    "MEMG": Rule(
        "sample",
        {
            "warning": Tier(10, clear_hold=600),
            "critical": Tier(20, clear_hold=600),
            "rollback": Tier(20, 1800),
        },
    ),
    "CPU": Rule("sample", {"warning": Tier(50, 600), "critical": Tier(80, 600), "rollback": Tier(90, 600)}),
    "DQ": Rule("event", {"warning": Tier(1), "critical": Tier(2), "rollback": Tier(3)}, reached_is_enough=True),
    "AUD": Rule("run", {"warning": Tier(1), "critical": Tier(2), "rollback": Tier(3)}, reached_is_enough=True),
    "KPIV": Rule("run", {"warning": Tier(1, runs=2), "critical": Tier(5, runs=2), "rollback": Tier(5, runs=4)}),
    "CRASH": Rule("sample", {"warning": Tier(1), "critical": Tier(3), "rollback": Tier(5)}, reached_is_enough=True),
    "VAL": Rule("event", {"warning": Tier(1), "critical": Tier(2), "rollback": Tier(3)}, reached_is_enough=True),
    "RUN": Rule("sample", {"warning": Tier(1, 3600), "critical": Tier(2, 300)}, reached_is_enough=True),
    "DISK": Rule("sample", {"warning": Tier(3), "critical": Tier(1)}, lower_is_worse=True),
    "NODATA": Rule("sample", {"warning": Tier(1), "critical": Tier(1, 600)}, reached_is_enough=True),
}
CLEAR_HOLD, CLEAR_SHARE, LEAST, SHARE, STALE = 120.0, 0.95, 3, 0.7, 3.5
FLAPPING, FLAPPING_WINDOW = 4, 3600.0
FIRST_RUN, ERROR_WINDOW, RESTART_WINDOW, LEAST_ROWS, DISK_NEED = 600.0, 300.0, 900.0, 20, 50e6
HOUR_1, RUN_SLACK, NOBODY_WATCHED = 3600.0, 60.0, 600.0
REMEMBERED, LOOKED_BACK = 400, 5000


@dataclass(frozen=True)
class Sample:
    """Received: measured at ``boot``, of one process or release."""

    boot: float
    value: float
    era: str


@dataclass
class Paper:
    """What is written down about one condition."""

    samples: list[Sample] = field(default_factory=list)
    """Since the last discontinuity that concerns everything."""
    newest: float | None = None
    """Boot time of the newest sample ever received."""
    gone: bool = False
    """An older value says nothing any more."""
    absent: bool = True
    needed: bool = True
    fires: dict[str, bool] = field(default_factory=dict)
    edges: list[tuple[float, str, str]] = field(default_factory=list)

    def heaviest(self) -> str:
        return next((name for name in HEAVY if self.fires.get(name)), "")

    def told(self) -> str:
        """With flapping: the worst that was seen."""
        own = self.heaviest()
        order = ["", *reversed(HEAVY)]
        ways = [order.index(after) > order.index(before) for _, before, after in self.edges]
        if len(list(groupby(ways))) < FLAPPING:  # going on in one direction is one change
            return own
        seen = {own, *(after for _, _, after in self.edges)}
        return next((name for name in HEAVY if name in seen), "")


@dataclass(frozen=True)
class Judged:
    """The conclusion at one tick."""

    boot: float
    wall: datetime
    word: str
    firing: dict[str, str]
    unknown: tuple[str, ...]
    """Conditions whose needed value is missing or stale."""
    criteria: dict[str, str]
    """Of the gates: met, not met or unknown."""


Given = tuple[list[tuple[float, float, str]], bool, bool, bool]
"""Samples (boot, value, era); whether the source has nothing; whether older values are void; whether it is needed."""


class Oracle:
    """Judges one world, tick by tick. ``forget`` undoes a tick that the monitor did not live to write down."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cadence, self.run_every = world.story.cadence, world.story.run_every
        self.papers = {name: Paper() for name in RULES}
        self.grace_until = self.settled_at = -math.inf
        self.tick_before: tuple[float, datetime] | None = None
        self.basis = ""
        self.cpu_before: tuple[str, float, float] | None = None
        self.read = self.audited = 0
        self.to_audit: list[RunSeen] = []
        self.lost_before = False
        self.compared = ""
        self.seen: list[RunSeen] = []
        self.baseline = 0.0
        self.restarted = True
        self.critical = False
        self.pages = Pages()
        self.stood_at: float | None = None
        self.unwatched: list[float] = []
        self.down, self.restarts, self.process = 0.0, 0, ""

    # ---- one tick

    def tick(self, growth: float | None) -> Judged:
        """``growth``: the memory growth that was received at this tick, None for none."""
        world = self.world
        boot, wall = world.clock.boot, world.clock.wall
        self._breaks(boot, wall)
        new = world.runs[self.read :]
        self.read = len(world.runs)
        fresh = [run for run in new if run.release == "v2"]
        self.seen += fresh
        basis = f"{self._process()}|{self.seen[-1].tape if self.seen else ''}"
        paused = self.restarted and self.tick_before is not None and boot - self.tick_before[0] > STALE * self.cadence
        if basis != self.basis or paused:
            self.settled_at, self.basis = boot + FIRST_RUN, basis
        given = self._received(fresh, growth, boot, wall)
        for name, one in given.items():
            self._judge(name, one, boot, may_fire=boot >= self.grace_until)
        unknown = tuple(name for name in given if self._missing(name, boot) and self.papers[name].needed)
        count = ([(boot, float(len(unknown)), "")], False, False, True)
        self._judge("NODATA", count, boot, may_fire=boot >= max(self.grace_until, self.settled_at))
        self.tick_before, self.restarted = (boot, wall), False
        firing = {name: told for name, paper in self.papers.items() if (told := paper.told())}
        self.critical = self.critical or any(tier in CRITICAL for tier in firing.values())
        self._stood(boot, wall)
        lost = not self._runs() and boot >= self.settled_at
        self.pages.tick(firing, boot, wall, lost=lost, patience=STALE * self.cadence)
        word, criteria = self._word(firing, unknown), self._criteria(firing, boot)
        criteria["verdict"] = "not met" if word in ("ROLL BACK", "INVESTIGATE") else "met"
        return Judged(boot, wall, word, firing, unknown, criteria)

    def _stood(self, boot: float, wall: datetime) -> None:
        """How long it was up, down, or not looked at; how often it began anew."""
        passed = (wall - self.cutover_at).total_seconds() if self.stood_at is None else boot - self.stood_at
        self.stood_at, up = boot, self.world.state == "RUNNING"
        if passed > STALE * self.cadence or self.world.lost == "status":
            self.unwatched.append(passed)
        elif not up:
            self.down += passed
        if self.world.lost != "status":
            self.restarts = max(self.restarts, sum(at > self.cutover_at for at in self.world.restarts))
        if (process := self._process()) and process != self.process:
            self.restarts += bool(self.process)
            self.process = process

    def _criteria(self, firing: dict[str, str], boot: float) -> dict[str, str]:
        """What a gate must say that rests on samples alone."""
        found = {}
        for name, criterion in (("LAT", "latency_below_100"), ("MEM", "memory_below_200")):
            rule, paper = RULES[name], self.papers[name]
            newest = paper.samples[-1].value if paper.samples else 0.0
            bad = name in firing or self._beyond(rule, rule.tiers["warning"], newest)
            found[criterion] = "unknown" if self._missing(name, boot) else "not met" if bad else "met"
        counted = [run for run in self.seen if run.ended >= self.cutover_at]
        rows, errors = sum(run.rows for run in counted), sum(_wrong(run) for run in counted)
        low = rows < LEAST_ROWS or self._missing("ERR", boot)
        found["errors_below_0_1"] = "unknown" if low else "met" if errors / rows * 100 < 0.1 else "not met"
        gap = "unknown" if max(self.unwatched, default=0.0) > NOBODY_WATCHED else "met"
        found["no_critical_event"] = "not met" if self.critical else gap
        found["uptime_100"] = "not met" if self.down or self.restarts else "unknown" if self.unwatched else "met"
        return found

    def monitor_restarted(self) -> None:
        """Nothing is forgotten: what was pending, and the CPU time of the sample before, are written down."""
        self.restarted = True

    def _breaks(self, boot: float, wall: datetime) -> None:
        if self.tick_before is None:
            return
        passed = boot - self.tick_before[0]
        stepped = abs((wall - self.tick_before[1]).total_seconds() - passed) > 2.0
        slept = passed > STALE * self.cadence and not self.restarted
        if stepped or slept:
            self.grace_until = boot + self.world.story.grace
            for paper in self.papers.values():
                paper.samples.clear()

    def _process(self) -> str:
        return f"{round(self.world.process * TICKS)}" if self._runs() else ""

    def _runs(self) -> bool:
        return self.world.state == "RUNNING" and self.world.lost != "status"

    # ---- what was received

    def _received(self, fresh: list[RunSeen], growth: float | None, boot: float, wall: datetime) -> dict[str, Given]:
        world = self.world

        def boot_of(run: RunSeen) -> float:
            return boot - max((wall - run.ended).total_seconds(), 0.0)

        def era(run: RunSeen) -> str:
            return f"{round(run.process * TICKS)}"

        good = [run for run in fresh if run.ok and run.rows > 0]
        latency = [(boot_of(run), run.latency_ms / run.rows * 1000, era(run)) for run in good]
        speed = [(boot_of(run), run.rows / run.latency_ms * 1000 / self.baseline * 100, era(run)) for run in good]
        whole = [(boot_of(run), (run.ended - run.started).total_seconds(), era(run)) for run in fresh]
        given: dict[str, Given] = {
            "LAT": (latency, not latency, False, True),
            "E2E": (whole, not whole, False, True),
            "THR": (speed, not speed, False, True),
            "ERR": self._errors(fresh, boot_of, era),
            "MEMG": (
                [(boot, growth, self._process())] if growth is not None else [],
                growth is None,
                False,
                growth is not None,
            ),
        }
        memory = world.memory if self._runs() else None
        given["MEM"] = ([(boot, memory, self._process())] if memory is not None else [], memory is None, False, True)
        given["CPU"] = self._cpu(memory is not None, boot)
        given["CRASH"] = self._crashes(boot, wall)
        given["RUN"] = self._on_schedule(boot, wall)
        free = world.free_bytes
        given["DISK"] = ([(boot, int(free) / DISK_NEED, "")] if free is not None else [], free is None, False, True)
        given["AUD"] = self._audit(fresh, boot_of)
        given["KPIV"] = self._variance(boot_of)
        given["VAL"], given["DQ"] = self._validated(boot), self._quality(boot)
        return given

    def _errors(self, fresh: list[RunSeen], boot_of: object, era: object) -> Given:
        values, low = [], False
        for run in fresh:
            same = [
                other
                for other in self.seen[-REMEMBERED:]
                if other.process == run.process and 0 <= (run.ended - other.ended).total_seconds() < ERROR_WINDOW
            ]
            rows = sum(other.rows for other in same)
            low = rows < LEAST_ROWS
            if not low:
                rate = sum(_wrong(other) for other in same) / rows * 100
                values.append((boot_of(run), rate, era(run)))  # type: ignore[operator]
        return ([], True, True, True) if low else (values, not values, False, True)

    def _cpu(self, seen: bool, boot: float) -> Given:
        if not seen:
            return [], True, False, True
        before, self.cpu_before = self.cpu_before, (self._process(), boot, self.world.cpu_seconds)
        if before is None or before[0] != self._process() or boot <= before[1]:
            return [], True, False, True
        percent = max(self.world.cpu_seconds - before[2], 0.0) / (boot - before[1]) / CORES * 100
        return [(boot, percent, self._process())], False, False, True

    def _crashes(self, boot: float, wall: datetime) -> Given:
        world = self.world
        if world.lost == "status":
            return [], True, False, True
        until = world.restarts[-1] if world.state == "FAILED" else wall
        count = sum(at > until - timedelta(seconds=RESTART_WINDOW) for at in world.restarts)
        return [(boot, float(count), "")], False, False, True

    def _on_schedule(self, boot: float, wall: datetime) -> Given:
        last = self.seen[-1] if self.seen else None
        if not self._runs() or (last is not None and not last.ok):
            return [(boot, 2.0, "")], False, False, True
        spoke = max([run.ended for run in self.seen[-1:]] + [self.world.since or wall])
        if (wall - spoke).total_seconds() > min(STALE * self.run_every, self.run_every + RUN_SLACK):
            return [(boot, 1.0, "")], False, False, True
        return ([(boot, 0.0, "")], False, False, True) if last else ([], True, False, True)

    def _audit(self, fresh: list[RunSeen], boot_of: object) -> Given:
        values = []
        for run in self.to_audit:
            level = {2: 0.0, 1: 2.0, 0: 2.0}[run.events]
            if level and self.lost_before:
                level = 3.0
            self.lost_before = level >= 2
            values.append((max(boot_of(run), 0.0), level, ""))  # type: ignore[operator]
        # of runs that came while no monitor ran, only the newest is looked up: the rest may lie too far back
        self.to_audit = fresh[-1:] if self.restarted else list(fresh)
        return values, not values, False, True

    def _variance(self, boot_of: object) -> Given:
        own = next((run for run in reversed(self.seen) if run.ok), None)
        old = self.old
        if own is None or not (own.tape == old.tape or (self.world.shadows and self.world.shadows[-1] == own.tape)):
            return [], True, True, False
        if own.id == self.compared:
            return [], True, False, False
        self.compared = own.id
        apart = [
            abs(value - old.kpis[name]) / abs(old.kpis[name]) * 100
            for name, value in own.kpis.items()
            if abs(value - old.kpis[name]) > 0.02 + 0.05 + 0.005
        ]
        return [(boot_of(own), max(apart, default=0.0), "")], False, False, True  # type: ignore[operator]

    def _validated(self, boot: float) -> Given:
        if not self._runs():
            return [], True, True, True
        done = [v for v in self.world.validations if v.release == "v2"]
        if not done or done[-1].boot < round(self.world.process * TICKS) / TICKS or self._another_tape():
            return [], True, True, True
        last = done[-1]
        failed = last.status in ("FAIL", "ERROR")
        again = failed and "hour-1" not in self.world.gone and self._failed_again(done)
        level = 3.0 if again else {"PASS": 0.0, "WARN": 1.0}.get(last.status, 2.0)
        return [(last.boot, level, "")], False, False, True

    def _failed_again(self, done: list[Validated]) -> bool:
        """The validation of hour 1 and its one re-run, neither by a person, and nothing has passed since."""
        passed = max((n for n, v in enumerate(done) if v.status not in ("FAIL", "ERROR")), default=-1)
        since = [v for v in done[passed + 1 :] if (v.at - self.cutover_at).total_seconds() >= HOUR_1]
        occasions = [v.occasion for v in since if v.occasion in ("slot", "again")]
        return "again" in occasions and "slot" in occasions[: occasions.index("again")]

    def _another_tape(self) -> bool:
        last = self.world.validations[-1]
        return bool(self.seen) and last.tape != self.seen[-1].tape

    def _quality(self, boot: float) -> Given:
        done = self.world.validations
        if self._another_tape():
            return [], True, True, True
        lost = len(done) > 1 and all(v.loss and v.release == done[-1].release for v in done[-2:])
        level = 3.0 if lost else {"PASS": 0.0, "WARN": 1.0}.get(done[-1].integrity, 2.0)
        return [(done[-1].boot, level, "")], False, False, True

    @property
    def cutover_at(self) -> datetime:
        return self._cutover_at

    def cut_over(self, at: datetime) -> None:
        """V2 runs: what V1 did is its baseline."""
        self._cutover_at = at
        old = [run for run in self.world.runs if run.release == "v1"]
        self.old = old[-1]
        self.baseline = median(run.rows / run.latency_ms * 1000 for run in old[-50:])
        self.read = len(self.world.runs)
        self.restarted = False
        self.settled_at = -math.inf

    # ---- the rules

    def _judge(self, name: str, given: Given, boot: float, *, may_fire: bool) -> None:
        samples, nothing, void, needed = given
        rule, paper = RULES[name], self.papers[name]
        before = paper.heaviest()
        for at, value, era in samples:
            if paper.newest is None or at >= paper.newest:
                paper.newest = at
            if not paper.samples or at > paper.samples[-1].boot:
                paper.samples.append(Sample(at, value, era))
                if len(paper.samples) > 4 * LOOKED_BACK:  # no hold reaches that far back
                    del paper.samples[:-LOOKED_BACK]
            if boot - at < self._gap(rule):
                self._settle(rule, paper, at, may_fire)
        self._settle(rule, paper, boot, may_fire)
        if not nothing:
            paper.gone = False
        elif void:
            paper.gone = True
        elif rule.per == "sample":
            paper.gone = False
        paper.needed = needed
        paper.edges = [edge for edge in paper.edges if boot - edge[0] < FLAPPING_WINDOW]
        if paper.heaviest() != before:
            paper.edges.append((boot, before, paper.heaviest()))

    def _settle(self, rule: Rule, paper: Paper, now: float, may_fire: bool) -> None:
        gap = self._gap(rule)
        if not paper.samples or now - paper.samples[-1].boot >= gap:
            return
        for name, tier in rule.tiers.items():
            if paper.fires.get(name):
                hold = tier.clear_hold if tier.clear_hold is not None else min(tier.hold, CLEAR_HOLD)
                good = (self._good(rule, tier, s.value) for s in reversed(paper.samples))
                if self._suffix(paper.samples, good, gap, hold, self._least(rule, hold, LEAST)):
                    paper.fires[name] = False
            elif may_fire:
                asked = LEAST if tier.runs == 1 else tier.runs
                need = max(tier.runs, self._least(rule, tier.hold, asked))
                bad = (self._beyond(rule, tier, s.value) for s in reversed(paper.samples))
                if self._suffix(paper.samples, bad, gap, tier.hold, need):
                    paper.fires[name] = True

    @staticmethod
    def _suffix(samples: list[Sample], sides: Iterable[bool], gap: float, hold: float, need: int) -> bool:
        """Whether the longest suffix on this side, without a gap or another era in it, spans and counts enough."""
        count, later = 0, samples[-1]
        for sample, on_this_side in zip(reversed(samples), sides, strict=False):
            if not on_this_side or later.boot - sample.boot > gap or sample.era != later.era:
                return False
            count, later = count + 1, sample
            if count >= need and samples[-1].boot - sample.boot >= hold:
                return True
        return False

    def _gap(self, rule: Rule) -> float:
        return {"sample": STALE * self.cadence, "run": STALE * self.run_every, "event": math.inf}[rule.per]

    def _least(self, rule: Rule, hold: float, least: int) -> int:
        if hold <= 0:
            return 1
        cadence = {"sample": self.cadence, "run": self.run_every, "event": math.inf}[rule.per]
        return max(least, math.ceil(SHARE * hold / cadence - 1e-9))

    @staticmethod
    def _beyond(rule: Rule, tier: Tier, value: float) -> bool:
        if value == tier.enter:
            return rule.reached_is_enough
        return value < tier.enter if rule.lower_is_worse else value > tier.enter

    @classmethod
    def _good(cls, rule: Rule, tier: Tier, value: float) -> bool:
        if rule.lower_is_worse:
            return not cls._beyond(rule, tier, value) and value >= tier.enter / CLEAR_SHARE
        return not cls._beyond(rule, tier, value) and value <= tier.enter * CLEAR_SHARE

    def _missing(self, name: str, boot: float) -> bool:
        paper = self.papers[name]
        return paper.newest is None or paper.gone or boot - paper.newest >= self._gap(RULES[name])

    def _word(self, firing: dict[str, str], unknown: tuple[str, ...]) -> str:
        tiers = set(firing.values())
        if "rollback" in tiers:
            return "ROLL BACK"
        if "critical" in tiers:
            return "INVESTIGATE"
        if unknown or not self._runs():
            return "UNKNOWN"
        return "WATCH" if "warning" in tiers else "CONTINUE"


def _wrong(run: RunSeen) -> int:
    """Rows in error: of a failed run all that it read; every run of a night says how many that were."""
    return run.errors if run.ok else run.rows
