"""Where a tape contradicts itself: each contradiction is one sentence, with the first row that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from engine.config.kpis import KpiConfig, Severity
from engine.errors import OpsError
from engine.portfolio.row_rules import Broken, Hit, Key
from engine.portfolio.tape_rows import RowFacts
from engine.records import harmless
from engine.validation.model import Sample
from engine.validation.parts import Asked, NotRun, Question

Look = Callable[[], RowFacts]


class TapeChanged(OpsError):
    """Another tape took the place of the one that is judged."""


def contradiction_questions(look: Look | None, config: KpiConfig) -> list[Question]:
    """All of them; ``look`` reads the rows, None: they can be named, not asked."""
    weights = config.checks.severity
    table: tuple[tuple[str, str, Severity, Callable[[RowFacts, KpiConfig], Asked]], ...] = (
        ("ranges", "values lie in their range", weights.ranges, ranges),
        ("stated", "what the tape states follows from its own sums", weights.stated, stated),
        ("cumulative", "what is very late is late as well", weights.cumulative, cumulative),
        ("unread", "no money stands where no KPI looks", weights.unread, unread),
    )
    return [Question(name, title, weight, partial(_asked, look, ask, config)) for name, title, weight, ask in table]


def _asked(look: Look | None, ask: Callable[[RowFacts, KpiConfig], Asked], config: KpiConfig) -> Asked:
    if look is None:
        raise NotRun("the tape cannot be read")
    return ask(look(), config)


def ranges(facts: RowFacts, config: KpiConfig) -> Asked:
    """Columns with an interval of their own."""
    wanted: dict[Key, str] = {("range", name): name for name in config.checks.ranges}
    found = _found(facts, wanted, "checks.ranges", "has")
    issues = []
    for key, one in found.items():
        low, high = config.checks.ranges[wanted[key]]
        if one.count:
            first = one.first[0]
            said = f"{wanted[key]} lies outside {low:g} to {high:g} in {_of(one)}"
            issues.append(f"{said}: {_row(first)} has {_number(first.values[0][1])}")
    return _answer(found, wanted.values(), facts, issues, "their configured ranges")


def stated(facts: RowFacts, config: KpiConfig) -> Asked:
    """Percentages that the tape gives itself, against what its own row gives."""
    wanted: dict[Key, str] = {("stated", name): name for name in config.checks.stated}
    found = _found(facts, wanted, "checks.stated", "states")
    issues = []
    for one in found.values():
        if one.count:
            first = one.first[0]
            (name, given), (_, follows) = first.values
            said = f"{name} does not follow from the tape's own sums in {_of(one)}"
            issues.append(f"{said}: {_row(first)} states {_number(given)}, its sums give {_number(follows)}")
    return _answer(found, wanted.values(), facts, issues, f"within {config.checks.stated_tolerance:g}")


def cumulative(facts: RowFacts, config: KpiConfig) -> Asked:
    """Columns that can only fall from one to the next."""
    wanted: dict[Key, str] = {
        ("never_rising", *(name for name in chain if name in facts.names)): ", ".join(chain)
        for chain in config.checks.never_rising
    }
    found = _found(facts, wanted, "checks.never_rising", "has")
    issues = []
    for key, one in found.items():
        if one.count:
            first = one.first[0]
            values = ", ".join(_number(value) for _, value in first.values)
            said = f"{', '.join(key[1:])} can only fall from one to the next, yet they rise in {_of(one)}"
            issues.append(f"{said}: {_row(first)} has {values}")
    return _answer(found, wanted.values(), facts, issues, "each at most the one before it")


def unread(facts: RowFacts, config: KpiConfig) -> Asked:
    """Money by age beside the buckets, and what it makes of their sum."""
    section = config.checks
    if section.ages is None:
        raise NotRun("no form of such columns is configured (config/kpis.yml, checks.ages)")
    if not facts.unread:
        return Asked(f"no column {section.ages} beside the configured ones", "none")
    issues: list[str] = []
    found: dict[Key, Broken] = {}
    for name in facts.unread:
        one = found[("unread", name)] = facts.broken.get(("unread", name), Broken())
        if one.count:
            first = one.first[0]
            held = [f"{_number(first.values[0][1])}"]
            held += [f"{whole}, of which it is a part, has {_number(value)}" for whole, value in first.values[1:]]
            said = f"{harmless(name, 60)} holds money in {_of(one)}, and no KPI counts it"
            issues.append(f"{said}: {_row(first)} has {', and '.join(held)}")
    together = facts.broken.get(("together",), Broken())
    if together.count:
        first = together.first[0]
        (_, sum_of), (total, whole) = first.values
        beside = ", ".join(harmless(name, 60) for name in facts.unread)
        said = f"counted with {beside}, the parts exceed {total} in {_of(together)} that hold without it"
        issues.append(f"{said}: {_row(first)} has {_number(sum_of)} of {_number(whole)}")
        found[("together",)] = together
    return _answer(found, facts.unread, facts, issues, "no money beside the buckets")


def _found(facts: RowFacts, wanted: dict[Key, str], where: str, verb: str) -> dict[Key, Broken]:
    """What each rule found; NotRun where none could be asked."""
    if not wanted:
        raise NotRun(f"none are configured (config/kpis.yml, {where})")
    found = {key: facts.broken[key] for key in wanted if key in facts.broken}
    if not found:
        raise NotRun(f"the tape {verb} none of {'; '.join(wanted.values())}")
    return found


def _answer(
    found: dict[Key, Broken],
    wanted: Iterable[str],
    facts: RowFacts,
    issues: Sequence[str],
    limit: str,
) -> Asked:
    count, judged = sum(one.count for one in found.values()), sum(one.judged for one in found.values())
    rows = [_sample(hit) for one in found.values() for hit in one.first]
    asked = {name for key in found for name in key[1:]}
    left = [name for name in wanted if asked.isdisjoint(name.split(", "))]
    beside = f"; not on this tape: {', '.join(left)}" if left else ""
    passed = f"{len(found)} asked in {facts.rows:,} rows"
    return Asked(passed, limit + beside, count, judged, tuple(issues), tuple(rows))


def _sample(hit: Hit) -> Sample:
    return Sample(", ".join(f"{harmless(name, 60)} {_number(value)}" for name, value in hit.values), hit.row, hit.name)


def _of(one: Broken) -> str:
    return f"{one.count:,} of {one.judged:,} rows"


def _row(hit: Hit) -> str:
    return f"row {hit.row}" + (f" ({hit.name})" if hit.name else "")


def _number(value: float) -> str:
    """As a person writes it: thousands apart, two decimals or none."""
    return f"{value:,.2f}".removesuffix(".00") if abs(value) < 1e15 else f"{value:g}"
