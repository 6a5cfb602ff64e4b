"""Durations and sizes as people write them in YAML: ``10m``, ``1h30m``, ``5 GB``."""

from __future__ import annotations

import re

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|TB)")
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
            return cls(raw)
        text = str(raw).strip()
        parts = _DURATION_PART.findall(text)
        if not parts or _DURATION_PART.sub("", text).strip():
            raise ValueError(cls.expected)
        return cls(sum(float(number) * _SECONDS[unit] for number, unit in parts))


class Size(int):
    """Bytes. In YAML a text such as ``200 MB``, ``5 GB`` (powers of ten), or a plain number of bytes."""

    expected = "a size such as 200 MB or 5 GB"

    @classmethod
    def parse(cls, raw: object) -> Size:
        """ValueError when ``raw`` is no size."""
        if isinstance(raw, bool):
            raise ValueError(cls.expected)
        if isinstance(raw, int):
            return cls(raw)
        match = _SIZE.fullmatch(str(raw).strip())
        if match is None:
            raise ValueError(cls.expected)
        return cls(round(float(match[1]) * _BYTES[match[2]]))
