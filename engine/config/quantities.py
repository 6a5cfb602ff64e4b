"""Durations and sizes as people write them in YAML: ``10m``, ``1h30m``, ``5 GB``."""

from __future__ import annotations

import re

_DURATION_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 100 * 365 * 86400.0
"""Seconds: nothing that is waited for takes a century; longer ones are slips that overflow dates."""
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]+)?)\s*(B|kB|KB|MB|GB|TB)")
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class Duration(float):
    """Seconds. In YAML a text such as ``5s``, ``10m``, ``1h30m``, ``7d``, or a plain number of seconds."""

    expected = "a duration such as 5s, 10m, 1h30m or 7d"

    @classmethod
    def parse(cls, raw: object) -> Duration:
        """ValueError when ``raw`` is no duration."""
        if isinstance(raw, bool):
            raise ValueError(cls.expected)
        if isinstance(raw, int | float):
            return cls._sane(float(raw))
        text = str(raw).strip()
        parts = _DURATION_PART.findall(text)
        if not parts or _DURATION_PART.sub("", text).strip():
            raise ValueError(cls.expected)
        return cls._sane(sum(float(number) * _SECONDS[unit] for number, unit in parts))

    @classmethod
    def _sane(cls, seconds: float) -> Duration:
        if not 0 <= seconds <= LONGEST:
            raise ValueError(cls.expected)
        return cls(seconds)


class Size(int):
    """Bytes. In YAML a text such as ``200 MB``, ``5 GB`` (powers of ten), or a plain number of bytes."""

    expected = "a size such as 200 MB or 5 GB"

    @classmethod
    def parse(cls, raw: object) -> Size:
        """ValueError when ``raw`` is no size."""
        if isinstance(raw, bool):
            raise ValueError(cls.expected)
        if isinstance(raw, int):
            if raw < 0:
                raise ValueError(cls.expected)
            return cls(raw)
        match = _SIZE.fullmatch(str(raw).strip())
        if match is None:
            raise ValueError(cls.expected)
        return cls(round(float(match[1]) * _BYTES[match[2]]))
