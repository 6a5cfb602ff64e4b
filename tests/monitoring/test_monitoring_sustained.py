"""The semantics of a held limit, as tables and as laws; the laws compare with the definition, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.monitoring import SustainedSection
from engine.config.quantities import Duration
from engine.monitoring.reading import Value
from engine.monitoring.sustained import Limit, Memory, Sample, broken, held, least, pending, settle, take
from engine.monitoring.watched import Watched, firing, firing_now, flapping, observe

P = 5.0
EMPTY = Memory()


def limit(hold: float = 30.0, clear_hold: float = 15.0, cadence: float = P, **changes: object) -> Limit:
    values = {
        "enter": 200.0,
        "clear": 190.0,
        "higher_is_worse": True,
        "inclusive": False,
        "hold": hold,
        "clear_hold": clear_hold,
        "need": least(hold, cadence, samples=3, share=0.7),
        "clear_need": least(clear_hold, cadence, samples=3, share=0.7),
        "gap": 3.5 * cadence,
    }
    return Limit(**{**values, **changes})  # type: ignore[arg-type]


def run(rule: Limit, samples: Iterable[Sample], memory: Memory = EMPTY) -> Memory:
    for sample in samples:
        memory = settle(rule, take(rule, memory, sample), sample.boot)
    return memory


def every(values: Sequence[float], *, start: float = 0.0, step: float = P, era: str = "a") -> list[Sample]:
    return [Sample(start + index * step, value, era) for index, value in enumerate(values)]


def first_firing(rule: Limit, samples: Sequence[Sample]) -> float:
    memory = Memory()
    for sample in samples:
        memory = run(rule, [sample], memory)
        if memory.firing:
            return sample.boot
    return math.inf


def test_it_fires_when_the_run_spans_the_hold_and_not_one_sample_before() -> None:
    assert not run(limit(), every([210] * 6)).firing
    assert run(limit(), every([210] * 7)).firing


def test_reaching_the_limit_is_enough_only_where_the_rule_says_so() -> None:
    assert not run(limit(hold=0), every([200])).firing
    assert run(limit(hold=0, inclusive=True), every([200])).firing


def test_a_limit_that_is_worse_when_lower_works_the_other_way_round() -> None:
    rule = limit(hold=0, enter=75.0, clear=79.0, higher_is_worse=False)
    assert run(rule, every([74])).firing
    assert not run(rule, every([76])).firing


def test_one_good_sample_starts_the_run_again() -> None:
    assert not run(limit(), every([210] * 6 + [199] + [210] * 6)).firing


def test_it_clears_only_after_the_clear_hold_on_the_good_side_of_clear() -> None:
    firing = every([210] * 7)
    between = every([195] * 50, start=35.0)
    assert run(limit(), firing + between).firing
    assert run(limit(), firing + every([180] * 3, start=35.0)).firing
    assert not run(limit(), firing + every([180] * 4, start=35.0)).firing
    assert run(limit(), firing + every([180, 180, 195, 180, 180], start=35.0)).firing


def test_a_gap_up_to_the_largest_neither_fires_nor_clears_and_a_longer_one_drops_what_was_pending() -> None:
    assert run(limit(), [*every([210] * 4), *every([210] * 2, start=32.5)]).firing
    assert not run(limit(), [*every([210] * 4), *every([210] * 3, start=33.0)]).firing


def test_what_is_stale_neither_fires_nor_clears() -> None:
    rule = limit()
    almost = run(rule, every([210] * 6))
    assert not settle(rule, almost, 25.0 + 100).firing
    assert not pending(rule, almost, 25.0 + 100)
    assert held(rule, almost, 25.0 + 100) == 0
    firing = run(rule, every([210] * 7))
    assert settle(rule, firing, 30.0 + 10000).firing


def test_too_few_samples_hold_nothing() -> None:
    rule = limit(hold=60.0)
    sparse = every([210] * 6, step=15.0)
    assert sparse[-1].boot >= 60.0
    assert not run(rule, sparse).firing


def test_another_era_starts_the_run_again_and_keeps_what_fires() -> None:
    assert not run(limit(), every([210] * 6) + every([210] * 6, start=30.0, era="b")).firing
    firing = every([210] * 7)
    assert run(limit(), firing + every([180] * 2, start=35.0) + every([180] * 2, start=45.0, era="b")).firing


def test_a_break_keeps_what_fires_and_forgets_what_was_pending() -> None:
    assert broken(run(limit(), every([210] * 7))).firing
    almost = broken(run(limit(), every([210] * 6)))
    assert not run(limit(), every([210], start=30.0), almost).firing


def test_nothing_new_fires_during_grace_and_it_fires_right_after() -> None:
    rule = limit(hold=0)
    memory = take(rule, Memory(), Sample(0.0, 210, "a"))
    assert not settle(rule, memory, 0.0, may_fire=False).firing
    assert settle(rule, memory, 1.0).firing


def test_a_single_event_needs_no_company_and_never_gets_stale() -> None:
    rule = limit(hold=0, clear_hold=0, cadence=math.inf)
    assert run(rule, [Sample(0.0, 210, "a")]).firing
    assert not run(rule, [Sample(0.0, 210, "a"), Sample(90000.0, 1, "a")]).firing


# ---- laws

values = st.sampled_from([100.0, 185.0, 195.0, 200.0, 205.0, 400.0])
steps = st.sampled_from([2.5, 5.0, 5.0, 5.0, 5.0, 10.0, 17.5, 18.0, 60.0])


@st.composite
def traces(draw: st.DrawFn, least_size: int = 0) -> list[Sample]:
    count = draw(st.integers(least_size, 60))
    boot, era, result = 0.0, 0, []
    for _ in range(count):
        boot += draw(steps)
        era += draw(st.sampled_from([0] * 30 + [1]))
        result.append(Sample(boot, draw(values), str(era)))
    return result


def suffix(samples: Sequence[Sample], gap: float, belongs: object) -> list[Sample]:
    """The definition: the longest suffix on one side, gaps <= gap, one era."""
    result: list[Sample] = []
    for sample in reversed(samples):
        if not belongs(sample.value):  # type: ignore[operator]
            break
        if result and (result[0].boot - sample.boot > gap or result[0].era != sample.era):
            break
        result.insert(0, sample)
    return result


def by_definition(rule: Limit, samples: Sequence[Sample]) -> list[bool]:
    firing, answers = False, []
    for end in range(1, len(samples) + 1):
        seen = samples[:end]
        good, beyond = suffix(seen, rule.gap, rule.good), suffix(seen, rule.gap, rule.beyond)
        if firing:
            full = good and good[-1].boot - good[0].boot >= rule.clear_hold and len(good) >= rule.clear_need
            firing = not full
        else:
            firing = bool(beyond and beyond[-1].boot - beyond[0].boot >= rule.hold and len(beyond) >= rule.need)
        answers.append(firing)
    return answers


@given(traces(), st.sampled_from([0.0, 10.0, 30.0, 60.0]), st.sampled_from([0.0, 15.0]))
def test_the_fold_is_the_definition(samples: list[Sample], hold: float, clear_hold: float) -> None:
    rule, memory, answers = limit(hold, clear_hold), Memory(), []
    for sample in samples:
        memory = run(rule, [sample], memory)
        answers.append(memory.firing)
    assert answers == by_definition(rule, samples)


@given(traces(1), st.data())
def test_a_restart_anywhere_gives_the_same_verdict(samples: list[Sample], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(samples)))
    first = run(limit(), samples[:cut])
    restored = msgspec.json.decode(msgspec.json.encode(first), type=Memory)
    assert run(limit(), samples[cut:], restored) == run(limit(), samples)


@given(traces(1), st.data())
def test_a_good_sample_more_never_makes_it_fire_earlier(samples: list[Sample], data: st.DataObject) -> None:
    at = data.draw(st.floats(0.1, samples[-1].boot + 10).filter(lambda boot: all(s.boot != boot for s in samples)))
    era = min(samples, key=lambda sample: abs(sample.boot - at)).era
    more = sorted([*samples, Sample(at, 100.0, era)], key=lambda sample: sample.boot)
    assert first_firing(limit(), more) >= first_firing(limit(), samples)


@given(st.integers(0, 12), st.integers(0, 30), st.sampled_from([0.0, 10.0, 30.0, 60.0, 600.0]), st.data())
def test_losing_two_adjacent_like_samples_makes_no_verdict_and_delays_one_by_two_cadences_at_most(
    good: int, bad: int, hold: float, data: st.DataObject
) -> None:
    whole = every([100.0] * good + [210.0] * (bad + int(hold / P) + 5))
    lost = data.draw(st.integers(1, len(whole) - 4))
    around = whole[lost - 1 : lost + 3]
    if len({sample.value for sample in around}) > 1:
        return
    fewer = whole[:lost] + whole[lost + 2 :]
    rule = limit(hold)
    before, after = first_firing(rule, whole), first_firing(rule, fewer)
    assert before <= after <= before + 2 * P


@given(traces())
def test_a_verdict_never_comes_without_a_run_that_holds(samples: list[Sample]) -> None:
    rule = limit()
    at = first_firing(rule, samples)
    if at < math.inf:
        seen = [sample for sample in samples if sample.boot <= at]
        assert all(sample.value > 200 for sample in seen if sample.boot >= at - rule.hold)


# ---- laws of a whole condition: its tiers, its edges, what a monitor writes down

RULES = SustainedSection(3, 0.7, 95.0, Duration(15), Duration(60), 4, Duration(3600))
TIERS = {"critical": limit(enter=300.0, clear=285.0), "warning": limit()}


def watched(samples: Sequence[Sample], *, wall: float = 0.0, start: Watched = Watched()) -> list[Watched]:  # noqa: B008
    found = [start]
    for sample in samples:
        at = datetime(2026, 1, 31, tzinfo=UTC) + timedelta(seconds=sample.boot + wall)
        value = Value(sample.value, at, sample.boot, sample.era)
        found.append(
            observe(
                found[-1],
                TIERS,
                (value,),
                release="v2",
                now=Value(0.0, at, sample.boot, ""),
                rules=RULES,
                time_scale=1.0,
                may_fire=True,
            )
        )
    return found[1:]


def verdicts(found: Iterable[Watched]) -> list[tuple[str, bool]]:
    return [(firing(one, RULES), flapping(one, RULES)) for one in found]


@given(traces(), st.floats(-1e8, 1e8))
def test_shifting_the_wall_clock_changes_nothing(samples: list[Sample], shift: float) -> None:
    assert verdicts(watched(samples)) == verdicts(watched(samples, wall=shift))


@given(traces(1), st.data())
def test_a_restart_anywhere_gives_the_same_condition_its_flapping_too(
    samples: list[Sample], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(samples)))
    left = watched(samples[:cut])[-1]
    restored = msgspec.json.decode(msgspec.json.encode(left), type=Watched)
    assert verdicts(watched(samples[cut:], start=restored)) == verdicts(watched(samples)[cut:])


@given(traces(4), st.data())
def test_losing_two_adjacent_like_samples_makes_no_verdict_in_any_trace(
    samples: list[Sample], data: st.DataObject
) -> None:
    rule = limit()
    lost = data.draw(st.integers(1, len(samples) - 3))
    around = samples[lost - 1 : lost + 3]
    alike = len({rule.beyond(one.value) for one in around}) == 1 == len({one.era for one in around})
    if alike:
        assert first_firing(rule, samples[:lost] + samples[lost + 2 :]) >= first_firing(rule, samples)


@pytest.mark.parametrize(
    ("tiers", "flaps"),
    [
        (["warning", "critical", "rollback", ""], False),
        (["rollback", "critical", "warning", ""], False),
        (["warning", "", "warning", ""], True),
        (["warning", "critical", "warning", "critical"], False),
        (["critical", "warning", "critical", "warning"], True),
        (["warning", "critical", "", "warning", "rollback"], False),
    ],
)
def test_only_turning_back_counts_as_a_change(tiers: list[str], flaps: bool) -> None:
    order = ["", "warning", "critical", "rollback"]
    limits = {name: event_limit(float(level)) for level, name in enumerate(order) if name}
    found = Watched()
    for second, tier in enumerate(tiers):
        at = datetime(2026, 1, 31, tzinfo=UTC) + timedelta(seconds=second)
        value = Value(float(order.index(tier)), at, float(second + 1), "e")
        found = observe(found, limits, (value,), release="v2", now=value, rules=RULES, time_scale=1.0, may_fire=True)
        assert firing_now(found) == tier
    held_on = max(tiers, key=order.index) if flaps else tiers[-1]
    assert (flapping(found, RULES), firing(found, RULES)) == (flaps, held_on)


def event_limit(enter: float) -> Limit:
    """A tier that is entered and left by a single value."""
    return Limit(enter, enter - 0.5, True, True, 0.0, 0.0, 1, 1, math.inf)
