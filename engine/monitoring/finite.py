"""JSON has no word for what is no number: it would stand as null, and whoever reads that cannot tell what it was."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Mapping

import msgspec

_pack = msgspec.msgpack.Encoder().encode
_SUSPICIOUS = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
"""How msgpack begins a float whose exponent is all ones: each infinity and NaN; by chance other data looks so too."""


class NotFinite(ValueError):
    """Something that is to be written down holds a value that is no number."""


def require_finite(value: object, name: str) -> None:
    """NotFinite, with where it stands below ``name``, when an infinity or NaN is anywhere in it."""
    if _surely_finite(value):
        return
    if (where := not_finite(value, name)) is not None:
        raise NotFinite(f"{where} is no number")


def _surely_finite(value: object) -> bool:
    """Whether nothing in it even looks like it: asked several times a tick, at a fiftieth of what looking at each
    value takes.
    """
    try:
        return _SUSPICIOUS.search(_pack(value)) is None
    except (TypeError, ValueError, OverflowError):
        return False


def not_finite(value: object, where: str) -> str | None:
    """``resources[0].trend[3]``: the first value that is infinite or NaN; None when there is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else where
    if value is None or isinstance(value, str | int):
        return None
    return next((found for name, one in _parts(value) if (found := not_finite(one, where + name)) is not None), None)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, msgspec.Struct):
        yield from ((f".{name}", getattr(value, name)) for name in value.__struct_fields__)
    elif isinstance(value, Mapping):
        yield from ((f".{key}", one) for key, one in value.items())
    elif isinstance(value, list | tuple | deque):
        yield from ((f"[{number}]", one) for number, one in enumerate(value))
