"""The criteria of the decision points, each judged from the records: met, not met or unknown, with its evidence. Pure.

What cannot be said is unknown, and nothing unknown passes a gate. A criterion that counts something which is not over
yet (eight hours, say) is met ``so far``; when its gate is due, that is unknown too.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec.structs import replace

from engine.clock import pretty_duration
from engine.monitoring.evidence import Asked, Evidence, Found, Judge
from engine.monitoring.facts import Validation
from engine.monitoring.hour_one import compared, measures
from engine.monitoring.model import ConditionReading, Criterion
from engine.monitoring.schedule import Slot, served, slot_name

HOURLY = re.compile(r"hourly_(\d+)_of_\1")
MEDIANS = re.compile(r"medians_within_(\d+)_percent_of_hour_1")


def judged(name: str, evidence: Evidence, asked: Asked) -> Criterion:
    """One criterion now. One whose name says nothing here is unknown: a person answers, by a waiver."""
    judge = next((judge for pattern, judge in CRITERIA if pattern.fullmatch(name)), _nobody_knows)
    found = judge(evidence, asked, name)
    if found.so_far and evidence.now >= asked.due:
        found = replace(found, status=None)
    status = {True: "met", False: "not met", None: "unknown"}[found.status]
    return Criterion(name, words(name), status, found.evidence, found.at, found.so_far)  # type: ignore[arg-type]


def words(name: str) -> str:
    """``hourly 8 of 8``, ``errors below 0.1``."""
    return re.sub(r"(\d)_(\d)", r"\1.\2", name).replace("_", " ")


def rests_on_the_slot(name: str) -> bool:
    """Whether it waits for the validation of the gate's own slot, or for the hour that ends as the gate is due."""
    return any(pattern.fullmatch(name) for pattern in _OF_THE_SLOT)


def _nobody_knows(evidence: Evidence, asked: Asked, name: str) -> Found:
    return Found(None, "abaco-ops checks nothing of this name: a person looks, and waives it with a reason", None)


# ---- conditions


def _on_target(*names: str) -> Judge:
    """The newest value lies on the good side of the warning limit, and none of the tiers fires or is pending."""

    def judge(evidence: Evidence, asked: Asked, name: str) -> Found:
        found = [evidence.conditions.get(one) for one in names]
        seen = [reading for reading in found if reading is not None]
        at = min((reading.observed_at for reading in seen if reading.observed_at), default=None)
        said = "; ".join(f"{one.id} {_brief(one)}" for one in seen)
        if len(seen) < len(names) or any(reading.reason is not None for reading in seen):
            missing = ", ".join(one for one in names if one not in evidence.conditions)
            return Found(None, f"{missing} is not configured" if missing else said, at)
        return Found(all(not one.firing and not one.pending for one in seen), said, at)

    return judge


def _brief(reading: ConditionReading) -> str:
    if reading.reason is not None:
        return f"{reading.level}: {reading.reason}"
    return f"{reading.brief}, {reading.firing or reading.pending + ' pending'}" if _speaks(reading) else reading.text


def _speaks(reading: ConditionReading) -> bool:
    return bool(reading.firing or reading.pending)


def _nothing_unknown(evidence: Evidence, asked: Asked, name: str) -> Found:
    return Found(None if evidence.unknown else True, evidence.unknown or "every needed value is fresh", evidence.now)


def _verdict(evidence: Evidence, asked: Asked, name: str) -> Found:
    """The release is neither to be rolled back nor under investigation; WATCH stands in no gate's way."""
    return Found(not evidence.against, evidence.against or "neither ROLL BACK nor INVESTIGATE", evidence.now)


def _kpis_in_range(evidence: Evidence, asked: Asked, name: str) -> Found:
    at = min((kpi.observed_at for kpi in evidence.kpis if kpi.observed_at), default=None)
    unknown = [kpi.id for kpi in evidence.kpis if kpi.in_range is None or kpi.stale]
    if unknown or not evidence.kpis:
        return Found(None, f"missing or stale: {', '.join(unknown) or 'every KPI'}", at)
    out = [kpi.id for kpi in evidence.kpis if not kpi.in_range]
    return Found(not out, f"out of range: {', '.join(out)}" if out else f"{len(evidence.kpis)} KPIs in range", at)


# ---- validations


def _validated(evidence: Evidence, asked: Asked, name: str) -> Found:
    """The newest validation: of the gate's own slot, once the gate is due."""
    reading = evidence.conditions.get("VAL")
    done = [v for v in evidence.validations if v.release == evidence.release]
    if not done:
        return Found(None, f"no validation of {evidence.release} yet", None)
    last, due = done[-1], evidence.now >= asked.due
    said = f"{last.status} {last.passed_checks} at {last.at:%H:%M:%S}Z"
    if reading is not None and reading.reason is not None:
        return Found(None, f"{said}; {reading.reason}", last.at)
    if due and last.at < asked.due:
        return Found(None, f"{said}, before the gate was due: the one of its slot is awaited, or V runs it", last.at)
    whole = last.status == "PASS" and all(status == "PASS" for status in last.checks.values())
    return Found(whole, said, last.at, so_far=not due)


def _every_hour_passed(evidence: Evidence, asked: Asked, name: str) -> Found:
    """The newest N hourly slots, all PASS; an extended watch counts the newest, not the first."""
    wanted = int(name.split("_")[1])
    slots = [slot for slot in evidence.calendar.hours() if slot.at <= evidence.now]
    counted = slots[-wanted:]
    found = {slot.offset: served(slot, evidence.validations, evidence.release) for slot in counted}
    passed = sum(1 for done in found.values() if done is not None and done.status == "PASS")
    at = max((done.at for done in found.values() if done is not None), default=None)
    bad = [_missed(slot, done, evidence.now) for slot in counted if (done := found[slot.offset]) is None]
    bad += [f"{slot_name(o)} {done.status}" for o, done in found.items() if done is not None and done.status != "PASS"]
    said = f"{passed} of {wanted} PASS" + (f": {', '.join(bad[:4])}" if bad else "")
    runs_now = counted and found[counted[-1].offset] is None and evidence.now < counted[-1].until
    if len(bad) - bool(runs_now) > 0:
        return Found(False, said, at)
    return Found(True, said, at, so_far=len(counted) < wanted or bool(runs_now))


def _missed(slot: Slot, done: Validation | None, now: datetime) -> str:
    return f"{slot_name(slot.offset)} {'awaited' if now < slot.until else 'MISSED'}"


# ---- the whole watch


def _errors(evidence: Evidence, asked: Asked, name: str) -> Found:
    standing, reading = evidence.standing, evidence.conditions.get("ERR")
    limit, least = 0.1, 20
    if evidence.monitoring is not None:
        tier = evidence.monitoring.conditions["ERR"].warning if "ERR" in evidence.monitoring.conditions else None
        limit = tier.enter if tier is not None else limit
        least = evidence.monitoring.errors.minimum_attempts
    if standing.rows < least:
        return Found(None, f"LOW VOLUME: {standing.rows} input rows since the cutover", standing.run_at)
    rate = standing.errors / standing.rows * 100
    runs = "1 run" if standing.failed == 1 else f"{standing.failed} runs"
    failed = f", {runs} failed: all rows in error" if standing.failed else ""
    said = f"{rate:.3f} % of {standing.rows:,} rows in {standing.runs} runs since the cutover{failed}"
    if reading is not None and reading.reason is not None:
        return Found(None, f"{said}; ERR {reading.level}: {reading.reason}", standing.run_at)
    if rate < limit and standing.damaged:
        records = "1 run record is" if standing.damaged == 1 else f"{standing.damaged} run records are"
        return Found(None, f"{said}; {records} damaged: what those runs did is not known", standing.run_at)
    return Found(rate < limit, said, standing.run_at)


def _logs_clean(evidence: Evidence, asked: Asked, name: str) -> Found:
    """No line in the service's log that tells of an error, and no run that failed, since the cutover."""
    standing, since = evidence.standing, evidence.calendar.since
    if standing.log_from is None or standing.log_problem:
        return Found(None, f"the service's log cannot be read: {standing.log_problem or 'not yet'}", standing.at)
    if standing.log_error_count or standing.failed:
        newest = "".join(f", newest {one.at:%H:%M:%S}Z: {one.text}" for one in standing.log_errors[-1:])
        lines = f"{standing.log_error_count} error line{'' if standing.log_error_count == 1 else 's'}"
        return Found(False, f"{lines}{newest}; {standing.failed} of {standing.runs} runs failed", standing.at)
    if (standing.log_from - since).total_seconds() > evidence.patience:
        return Found(None, f"followed only since {standing.log_from:%d %b %H:%M:%SZ}: no errors since", standing.at)
    return Found(True, f"no error line since the cutover, {standing.runs} runs ok", standing.at)


def _uptime(evidence: Evidence, asked: Asked, name: str) -> Found:
    standing = evidence.standing
    total = standing.up + standing.down + standing.unwatched
    if total <= 0:
        return Found(None, "nothing was watched yet", standing.at)
    share = int(standing.up / total * 1e5) / 1e3  # cut, never rounded up to 100
    parts = [f"{share:g} % seen up of {pretty_duration(total)}"]
    parts += [f"down {pretty_duration(standing.down)}"] if standing.down else []
    restarts = max(standing.replaced, standing.restarts)
    parts += [f"{restarts} restart{'' if restarts == 1 else 's'}"] if restarts else []
    if standing.unwatched:
        longest = pretty_duration(standing.longest_unwatched)
        parts.append(f"unwatched {pretty_duration(standing.unwatched)}, longest {longest}")
    said = ", ".join(parts)
    if standing.down or restarts:
        return Found(False, said, standing.at)
    return Found(None if standing.unwatched else True, said, standing.at)


def _audit(evidence: Evidence, asked: Asked, name: str) -> Found:
    """Every run since the cutover left its event, and the newest validation found the chain whole."""
    standing, reading = evidence.standing, evidence.conditions.get("AUD")
    waiting = standing.runs - standing.audited - standing.gaps
    said = f"{standing.audited} of {standing.runs} runs left their events"
    if standing.trail_lost:
        return Found(False, f"{said}; {standing.trail_lost}", standing.run_at)
    if standing.gaps:
        return Found(False, f"{said}, {standing.gaps} did not; newest {standing.gap[:8]}", standing.run_at)
    done = [v for v in evidence.validations if v.release == evidence.release]
    chain = done[-1].checks.get("audit_trail", "NOT RUN") if done else "NOT RUN"
    said += f"; chain {chain}" + (f" at {done[-1].at:%H:%M:%S}Z" if done else "")
    if chain in ("WARN", "FAIL", "ERROR"):
        return Found(False, said, standing.run_at)
    if not standing.runs or waiting > 1 or chain != "PASS":  # the newest run's events may be on their way
        return Found(None, said, standing.run_at)
    if reading is not None and reading.reason is not None:
        return Found(None, f"{said}; AUD {reading.level}: {reading.reason}", standing.run_at)
    return Found(not _speaks(reading) if reading is not None else True, said, standing.run_at)


def _no_critical(evidence: Evidence, asked: Asked, name: str) -> Found:
    return _critical_since(evidence, evidence.calendar.since, "the cutover")


def _critical_since(evidence: Evidence, since: datetime, called: str) -> Found:
    standing = evidence.standing
    # all of them are of this watch, whatever the clock said when they began: it may have been set back since
    whole = since <= evidence.calendar.since
    found = [one for one in standing.criticals if whole or one.at >= since]
    if found:  # the newest are listed, older ones counted: where all are asked for, the count is exact
        listed = "; ".join(f"{one.at:%d %b %H:%MZ} {one.text}" for one in found[-2:])
        count = standing.critical_count if whole else len(found)
        return Found(False, f"{count} since {called}: {listed}", standing.at)
    gap = _nodata_hold(evidence)
    if standing.longest_unwatched > gap:
        longest = pretty_duration(standing.longest_unwatched)
        return Found(None, f"none seen, but nobody watched for {longest} at a stretch", standing.at)
    return Found(True, f"none since {called}", standing.at)


def _nodata_hold(evidence: Evidence) -> float:
    """How long nobody may watch before that is critical itself."""
    condition = evidence.monitoring.conditions.get("NODATA") if evidence.monitoring is not None else None
    tier = condition.critical if condition is not None else None
    return (float(tier.hold) if tier is not None else 600.0) / evidence.calendar.scale


# ---- compared with hour 1


def _medians(evidence: Evidence, asked: Asked, name: str) -> Found:
    standing = evidence.standing
    percent = float(name.split("_")[2])
    if standing.first is None:
        return Found(True, "hour 1 is not over", standing.at, so_far=True)
    wanted = max(round(asked.point.at / 3600.0) - 1, 1)
    hours = standing.hours[-wanted:]
    if not hours:
        return Found(True, "hour 2 is not over", standing.at, so_far=True)
    status, said = compared(hours, standing.first, measures(evidence.calendar.config.compare), percent)
    return Found(status, f"{len(hours)} of {wanted} hours: {said}", standing.at, so_far=len(hours) < wanted)


def _memory_within(evidence: Evidence, asked: Asked, name: str) -> Found:
    standing = evidence.standing
    if standing.first is None or not standing.hours:
        return Found(True, "hour 2 is not over", standing.at, so_far=True)
    compare = evidence.calendar.config.compare
    memory = measures(compare)[1:2]
    status, said = compared(standing.hours[-1:], standing.first, memory, compare.memory_percent)
    return Found(status, said, standing.at)


# ---- tests, people, the end


def _tests_pass(evidence: Evidence, asked: Asked, name: str) -> Found:
    """Run for this gate: not longer before it was due than an hour of the watch, on the build that is installed."""
    tested, config = evidence.tested, evidence.calendar.config.schedule
    early = timedelta(seconds=max(config.tests_early, config.validation_every) / evidence.calendar.scale)
    if tested is None or tested.release != evidence.release:
        return Found(None, f"not run yet on {evidence.release}: abaco-ops gate test", None, evidence.now < asked.due)
    said = f"{'passed' if tested.ok else 'FAILED: ' + tested.reason}, {tested.at:%d %b %H:%M:%SZ}, {tested.build[:6]}"
    if tested.at < asked.due - early:
        return Found(None, f"{said}: too old for this gate: abaco-ops gate test", tested.at, evidence.now < asked.due)
    if evidence.build and tested.build != evidence.build:
        return Found(None, f"{said}: another build is installed, {evidence.build[:6]}", tested.at)
    return Found(tested.ok, said, tested.at)


def _checklist_done(evidence: Evidence, asked: Asked, name: str) -> Found:
    """Every line after the gate before and up to this one is confirmed or overridden."""
    waiting = evidence.open_lines(asked.before, asked.point.at)
    span = f"after {slot_name(asked.before)}, to {slot_name(asked.point.at)}"
    if waiting:
        return Found(False, f"{len(waiting)} lines open {span}: {', '.join(waiting[:3])}", evidence.now)
    return Found(True, f"all lines answered {span}", evidence.now, so_far=evidence.now < asked.due)


def _stable(evidence: Evidence, asked: Asked, name: str) -> Found:
    """Since the gate before: no critical tier, every scheduled validation PASS, memory as in hour 1; nothing fires."""
    begin = evidence.calendar.at(asked.before)
    critical = _critical_since(evidence, begin, slot_name(asked.before))
    slots = [slot for slot in evidence.calendar.validations() if begin < slot.at <= evidence.now]
    found = [(slot, served(slot, evidence.validations, evidence.release)) for slot in slots]
    bad = [
        f"{slot_name(slot.offset)} {done.status if done else 'MISSED'}"
        for slot, done in found
        if (done is None and evidence.now >= slot.until) or (done is not None and done.status != "PASS")
    ]
    firing = [reading.id for reading in evidence.conditions.values() if reading.firing]
    memory = _memory_within(evidence, asked, name)
    parts = [f"critical: {critical.evidence}", f"validations: {len(found) - len(bad)} of {len(found)} PASS"]
    parts += [", ".join(bad[:3])] if bad else []
    parts += [f"fires now: {', '.join(firing)}"] if firing else []
    said = "; ".join([*parts, memory.evidence])
    if critical.status is False or memory.status is False or bad or firing:
        return Found(False, said, evidence.now)
    awaited = any(done is None for _, done in found)
    unknown = critical.status is None or memory.status is None or memory.so_far
    early = evidence.now < asked.due
    return Found(None if unknown or (awaited and not early) else True, said, evidence.now, so_far=early)


def _named(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name))


_OF_THE_SLOT = (
    _named("validation_5_of_5"),
    HOURLY,
    MEDIANS,
    _named("memory_within_10_percent"),
    _named("audit_continuous"),
    _named("stable"),
)

CRITERIA: tuple[tuple[re.Pattern[str], Judge], ...] = (
    (_named("validation_5_of_5"), _validated),
    (_named("kpis_in_range"), _kpis_in_range),
    (_named("logs_clean"), _logs_clean),
    (_named("latency_below_100"), _on_target("LAT")),
    (_named("memory_below_200"), _on_target("MEM")),
    (_named("errors_below_0_1"), _errors),
    (HOURLY, _every_hour_passed),
    (MEDIANS, _medians),
    (_named("no_memory_growth"), _on_target("MEMG")),
    (_named("no_critical_event"), _no_critical),
    (_named("uptime_100"), _uptime),
    (_named("memory_within_10_percent"), _memory_within),
    (_named("audit_continuous"), _audit),
    (_named("tests_pass"), _tests_pass),
    (_named("checklist_done"), _checklist_done),
    (_named("stable"), _stable),
    (_named("nothing_unknown"), _nothing_unknown),
    (_named("verdict"), _verdict),
)
"""Criteria of ``config/checklist.yml`` by the form of their id."""
