"""What a Prometheus server answered: one value with its time, or why it is none, in words. Pure."""

from __future__ import annotations

import http.client
import math
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.clock import pretty_duration
from engine.records import harmless
from engine.records.undecodable import UNDECODABLE

LARGEST = 256 * 1024
"""Bytes of an answer that are read. One value is some hundred; more is another question than was meant."""
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LATEST = 1e12
"""No second that is further away is a time; an integer may be too long for any calculation."""
_NOT_ITS_FORM = "answers in a form that is not Prometheus's: is its address right?"


class NoValue(Exception):
    """Why there is no value, in words that go on after ``Prometheus``."""


class _Data(msgspec.Struct):
    resultType: str  # noqa: N815 - as the server spells it
    result: Any


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    errorType: str = ""  # noqa: N815
    error: str = ""
    warnings: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """One value and the moment for which the server gave it (seconds of wall time, by its clock)."""

    value: float
    at: float


def read_answer(status: int, kind: str, body: bytes) -> Answered:
    """The value in an answer. ``kind``: its content type. NoValue says what is wrong with it."""
    if 300 <= status < 400:
        raise NoValue(f"redirects elsewhere (HTTP {status}), which is not followed: give the address it leads to")
    if len(body) > LARGEST:
        raise NoValue(f"answers with more than {LARGEST // 1024} kB: the query is to give one value")
    if status != 200:
        raise NoValue(_refused(status, body))
    media = harmless(kind.partition(";")[0].strip().lower() or "no content type", 40)
    if media != "application/json":
        raise NoValue(f"answers with {media}, no JSON: something else stands at its address")
    answer = _decoded(body)
    if answer is None:
        raise NoValue(_NOT_ITS_FORM)
    if answer.status != "success" or answer.data is None:
        raise NoValue(f"refuses the query: {_error(answer)}")
    if answer.warnings:
        raise NoValue(f"gives a part of the truth only: {harmless(answer.warnings[0], 160)}")
    return _value(answer.data)


def aged(answered: Answered, now: float, longest: float) -> float:
    """Seconds since the moment of the answer, never below 0. NoValue when its clock and ours do not agree."""
    age = now - answered.at
    if age > longest:
        raise NoValue(f"answers for a moment {pretty_duration(age)} ago: a cache between, or its clock is behind")
    if age < -longest:
        raise NoValue(f"answers for a moment {pretty_duration(-age)} ahead: its clock or this one is wrong")
    return max(age, 0.0)


def _decoded(body: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except UNDECODABLE:
        return None


def _refused(status: int, body: bytes) -> str:
    """The status in our own words, and the server's where it is the query that is wrong."""
    words = f"answers HTTP {status} {http.client.responses.get(status, '')}".rstrip()
    if status in (401, 403):
        return f"{words}: it wants a token that it knows (token_file)"
    answer = _decoded(body)
    said = _error(answer) if answer is not None and answer.status == "error" else ""
    return f"{words}: {said}" if said else words


def _error(answer: _Answer) -> str:
    return harmless(answer.error or answer.errorType or "it does not say why", 160)


def _value(data: _Data) -> Answered:
    found = data.result
    if data.resultType == "vector":
        if not isinstance(found, list):
            raise NoValue(_NOT_ITS_FORM)
        if not found:
            raise NoValue("gives no sample: nothing fits the query now")
        if len(found) > 1:
            raise NoValue(f"gives {len(found)} samples where one is meant: sum(), max() or another label")
        found = found[0].get("value") if isinstance(found[0], dict) else None
    elif data.resultType != "scalar":
        raise NoValue(f"gives a {harmless(data.resultType, 40)}, no single value")
    return _pair(found)


def _pair(found: Any) -> Answered:
    if not isinstance(found, list) or len(found) != 2:
        raise NoValue(_NOT_ITS_FORM)
    at, text = found
    if isinstance(at, bool) or not isinstance(at, int | float) or abs(at) > _LATEST or not isinstance(text, str):
        raise NoValue(_NOT_ITS_FORM)
    if text in ("NaN", "+Inf", "-Inf"):
        raise NoValue(f"gives {text}, which is no number: is it divided by 0?")
    if _NUMBER.fullmatch(text) is None or not math.isfinite(value := float(text)):
        raise NoValue(f"gives {harmless(text, 40)!r}, which is no number")
    return Answered(value, float(at))
