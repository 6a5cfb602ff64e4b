"""The decision matrix: which rows the conditions match, and the heaviest of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.config.monitoring import MatrixRow as ConfiguredRow
from engine.monitoring.model import WEIGHT, ConditionReading, MatrixRow, Verdict, VerdictWord

_SHOWN = 3
"""Conditions named in one line of evidence; more are counted."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the matrix is judged on."""

    conditions: Sequence[ConditionReading]
    release: str | None
    """The release that runs and is configured; None: neither can be said."""
    release_reason: str
    on_old: bool
    """The old release is the one being judged: there is nothing to roll back."""
    old: str
    at: datetime
    judged: str = ""
    """The release that the conditions are about, also where none is identified."""
    of_runs: Collection[str] = ()
    """The conditions whose values the release itself gives, run by run: no monitor restores those."""
    worsens: Callable[[ConditionReading], str] = lambda reading: ""
    """In words: what makes a firing or pending condition heavier."""


@dataclass(frozen=True, slots=True)
class _Match:
    active: bool
    evidence: str
    reasons: tuple[ConditionReading, ...] = ()


def decide(rows: Sequence[ConfiguredRow], situation: Situation) -> tuple[Verdict, tuple[MatrixRow, ...]]:
    """The verdict and every configured row. A row that is not configured still counts for the verdict."""
    matches = _matches(situation)
    word = next(word for word in WEIGHT if matches[word].active)
    shown = tuple(
        MatrixRow(
            row.verdict,
            row.verdict == word if row.verdict == "CONTINUE" else matches[row.verdict].active,
            matches[row.verdict].evidence,
            _age(matches[row.verdict], situation),
            row.when,
            _action(row, situation) if matches[row.verdict].active else row.action,
            tuple(row.told),
            _rests_on(row.verdict, matches[row.verdict], situation),
        )
        for row in rows
    )
    return _verdict(word, matches[word], situation), shown


def _matches(situation: Situation) -> dict[VerdictWord, _Match]:
    by_tier = {
        tier: [reading for reading in situation.conditions if reading.firing == tier]
        for tier in ("rollback", "critical", "warning")
    }
    roll_back = _roll_back(by_tier["rollback"], situation)
    critical = by_tier["critical"] + (by_tier["rollback"] if situation.on_old else [])
    matches: dict[VerdictWord, _Match] = {
        "ROLL BACK": roll_back,
        "INVESTIGATE": _fired(critical, "nothing critical"),
        "UNKNOWN": _unknown(situation),
        "WATCH": _fired(by_tier["warning"], "no warning"),
    }
    others = any(match.active for match in matches.values())
    matches["CONTINUE"] = _Match(not others, _continue(situation) if not others else "not on target")
    return matches


_NEAR: dict[str, str] = {"ROLL BACK": "rollback", "INVESTIGATE": "critical", "WATCH": "warning"}


def _rests_on(word: VerdictWord, match: _Match, situation: Situation) -> tuple[str, ...]:
    """The conditions to look at for a row: what it matches, else what is near it; CONTINUE rests on all of them."""
    if word == "CONTINUE":
        return tuple(reading.id for reading in situation.conditions)
    if match.active or word == "UNKNOWN":
        return tuple(reading.id for reading in match.reasons)
    return tuple(reading.id for reading in situation.conditions if reading.pending == _NEAR[word])


def _roll_back(firing: Sequence[ConditionReading], situation: Situation) -> _Match:
    if situation.on_old:
        return _Match(False, f"nothing to roll back ({situation.old})")
    if firing:
        return _fired(firing, "")
    near = sum(reading.pending == "rollback" for reading in situation.conditions)
    return _Match(False, f"no tier held, {near} near")


def _fired(readings: Sequence[ConditionReading], otherwise: str) -> _Match:
    return _Match(bool(readings), _listed([_named(reading) for reading in readings]) or otherwise, tuple(readings))


def _action(row: ConfiguredRow, situation: Situation) -> str:
    """What a person does about a row. That values are missing has two causes, and each its own way out."""
    silent = row.verdict == "UNKNOWN" and (situation.release is None or _silent(_missing(situation), situation))
    return row.action_silent.replace("{release}", situation.judged or "?") if silent else row.action


def _missing(situation: Situation) -> list[ConditionReading]:
    return [reading for reading in situation.conditions if reading.needed and reading.reason is not None]


def _silent(missing: Sequence[ConditionReading], situation: Situation) -> bool:
    """Whether the release alone has stopped giving values: everything else is still measured."""
    return bool(missing) and all(reading.level == "stale" and reading.id in situation.of_runs for reading in missing)


def _unknown(situation: Situation) -> _Match:
    missing = _missing(situation)
    if len(missing) > 1 and situation.release and _silent(missing, situation):
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        silent = ", ".join(reading.id for reading in missing[:_SHOWN])
        said = f"no {silent}{more}: {situation.release} is silent, {missing[0].reason}; the monitor runs"
        return _Match(True, said, tuple(missing))
    parts = [] if situation.release else [situation.release_reason or "no release is identified"]
    if len(missing) == 1:
        parts += [f"{missing[0].id} {missing[0].level}: {missing[0].reason}"]
    for level in ("missing", "stale"):
        names = [reading.id for reading in missing if reading.level == level]
        parts += [f"{', '.join(names)} {level}"] if names and len(missing) > 1 else []
    if parts:
        return _Match(True, _listed(parts), tuple(missing))
    needed = [reading for reading in situation.conditions if reading.needed]
    return _Match(False, f"all {len(needed)} needed values fresh", tuple(needed))


def _continue(situation: Situation) -> str:
    waiting = [reading for reading in situation.conditions if reading.pending and reading.held > 0]
    if waiting:
        return "no tier has held; " + _listed([_pending(reading) for reading in waiting])
    return "everything on target"


def _pending(reading: ConditionReading) -> str:
    return f"{reading.id} {reading.brief}, pending"


def _named(reading: ConditionReading) -> str:
    return f"{reading.id} {reading.brief}"


def _said(reading: ConditionReading) -> str:
    """A figure explains its short name; a bare word (``FAIL``) needs the title to mean something."""
    figure = any(character.isdigit() for character in reading.brief)
    return f"{reading.id if figure else reading.title} {reading.brief}"


def _listed(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return "; ".join(parts[:_SHOWN]) + more


def _age(match: _Match, situation: Situation) -> float | None:
    seen = [reading.observed_at for reading in match.reasons if reading.observed_at is not None]
    return max((situation.at - min(seen)).total_seconds(), 0.0) if seen else None


def _verdict(word: VerdictWord, match: _Match, situation: Situation) -> Verdict:
    lead = match.reasons[0] if match.reasons and word != "CONTINUE" else None
    if word == "CONTINUE":
        first = next((reading for reading in situation.conditions if reading.pending and reading.held > 0), None)
        return Verdict(word, match.evidence, "", situation.worsens(first) if first else "")
    if word == "UNKNOWN":
        return Verdict(word, match.evidence, "when every needed value is fresh", "")
    assert lead is not None
    return Verdict(word, _listed([_said(reading) for reading in match.reasons]), lead.clears, situation.worsens(lead))
