"""One condition over time: its tiers' memories, its edges, its newest value. All of it can be written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from engine.config.monitoring import SustainedSection
from engine.monitoring.model import TIERS
from engine.monitoring.reading import Missing, Nothing, Reading, Value
from engine.monitoring.sustained import Limit, Memory, Sample, broken, settle, take


class Edge(msgspec.Struct, frozen=True):
    """The heaviest firing tier became another one."""

    boot: float
    tier: str
    """The tier that fires since; empty: none."""
    worse: bool = True
    """Whether it is heavier than the one before."""


class Watched(msgspec.Struct, frozen=True):
    """What is remembered about one condition."""

    release: str = ""
    newest: Value | None = None
    memories: dict[str, Memory] = {}
    edges: tuple[Edge, ...] = ()
    since: datetime | None = None
    """Wall time of the last edge into a firing tier."""
    missing: Missing | None = None
    """What the source said at the last tick, when it had nothing."""
    needed: bool = True


def observe(
    watched: Watched,
    limits: Mapping[str, Limit],
    reading: Reading,
    *,
    release: str,
    now: Value,
    rules: SustainedSection,
    time_scale: float,
    may_fire: bool,
) -> Watched:
    """The condition after one tick. ``now``: the tick's times (its value is not used).

    A new release is a new condition: nothing of the old one's is charged to it.
    """
    if release != watched.release:
        watched = Watched(release=release)
    memories = {name: watched.memories.get(name, Memory()) for name in limits}
    newest, missing, needed = watched.newest, None, True
    if isinstance(reading, tuple):
        for value in reading:
            memories = {
                name: _with(limits[name], memory, value, now.boot, may_fire) for name, memory in memories.items()
            }
            newest = value if newest is None or value.boot >= newest.boot else newest
    else:
        missing, needed = _missing(watched, reading), reading.needed
    memories = {name: settle(limits[name], memory, now.boot, may_fire=may_fire) for name, memory in memories.items()}
    changed = msgspec.structs.replace(watched, newest=newest, memories=memories, missing=missing, needed=needed)
    return _with_edges(watched, changed, now, rules.flapping_window / time_scale)


def _missing(watched: Watched, reading: Missing | Nothing) -> Missing | None:
    if isinstance(reading, Missing):
        return reading
    # LOW VOLUME lasts until there is a value again
    return watched.missing if watched.missing is not None and watched.missing.at_once else None


def _with(limit: Limit, memory: Memory, value: Value, now: float, may_fire: bool) -> Memory:
    memory = take(limit, memory, Sample(value.boot, value.value, value.era))
    # judged as of its own time, so that two values read together give what they would have given one by one
    on_time = now - value.boot < limit.gap
    return settle(limit, memory, value.boot, may_fire=may_fire) if on_time else memory


def after_break(watched: Watched) -> Watched:
    """After a suspend, a clock step, a reboot or a long silence of the monitor."""
    memories = {name: broken(memory) for name, memory in watched.memories.items()}
    return msgspec.structs.replace(watched, memories=memories)


def after_reboot(watched: Watched) -> Watched:
    """Boot times of the boot before mean nothing in this one."""
    return msgspec.structs.replace(after_break(watched), newest=None, edges=())


def firing_now(watched: Watched) -> str:
    """The heaviest tier that fires by itself, flapping left aside."""
    return next((name for name in TIERS if (memory := watched.memories.get(name)) and memory.firing), "")


def flapping(watched: Watched, rules: SustainedSection) -> bool:
    """Whether it changed too often: then the worst is held, and told once."""
    return changes(watched) >= rules.flapping_edges


def changes(watched: Watched) -> int:
    """How often it turned within the window: tiers entered one after the other, each heavier than the one before, are
    one change, and so is clearing step by step.
    """
    ways = [edge.worse for edge in watched.edges]
    return sum(1 for number, worse in enumerate(ways) if number == 0 or worse != ways[number - 1])


def firing(watched: Watched, rules: SustainedSection) -> str:
    """The tier that counts: the heaviest that fires, or, while flapping, the heaviest that fired."""
    own = firing_now(watched)
    if not flapping(watched, rules):
        return own
    seen = {own, *(edge.tier for edge in watched.edges)}
    return next((name for name in TIERS if name in seen), "")


def _with_edges(before: Watched, after: Watched, now: Value, window: float) -> Watched:
    was, is_now = firing_now(before), firing_now(after)
    edges = tuple(edge for edge in after.edges if now.boot - edge.boot < window)
    since = after.since
    if was != is_now:
        edges = (*edges, Edge(now.boot, is_now, _weight(is_now) > _weight(was)))
        since = now.wall if is_now else None
    return msgspec.structs.replace(after, edges=edges, since=since)


def _weight(tier: str) -> int:
    return len(TIERS) - TIERS.index(tier) if tier else 0
