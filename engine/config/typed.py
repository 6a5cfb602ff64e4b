"""From plain YAML values to typed structs, with every mistake collected instead of the first one."""

from __future__ import annotations

import contextlib
import functools
import types
import typing
from typing import Any, TypeVar

import msgspec

from engine.config.literal_secrets import KEYS
from engine.config.located import KeyPath, Located
from engine.config.quantities import Duration, Size
from engine.errors import meant

S = TypeVar("S", bound=msgspec.Struct)
_WORDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    Duration: Duration.expected,
    Size: Size.expected,
}


def to_struct(located: Located, kind: type[S]) -> S | None:
    """``located.value`` as a ``kind``; None when anything is wrong, and then ``located.problems`` says all."""
    if located.unreadable:
        return None
    if not located.problems:
        with contextlib.suppress(msgspec.ValidationError, ValueError):  # then each mistake is looked for, one by one
            return msgspec.convert(located.value, kind, dec_hook=decode_quantity)
    _check(located, located.value, kind, ())
    if located.problems:
        return None
    try:
        return msgspec.convert(located.value, kind, dec_hook=decode_quantity)
    except msgspec.ValidationError as error:
        located.report((), str(error), "see the comments in the shipped file")
        return None


def decode_quantity(kind: type, raw: object) -> object:
    """Msgspec's hook for :class:`Duration` and :class:`Size`."""
    if kind is Duration or kind is Size:
        return kind.parse(raw)
    raise NotImplementedError(kind)


def _check(located: Located, value: Any, kind: Any, where: KeyPath) -> None:
    for inner in map(_strip, _options(kind)):
        origin, arguments = typing.get_origin(inner), typing.get_args(inner)
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and value is not None:
            _check_struct(located, value, inner, where)
            return
        if origin is dict and isinstance(value, dict):
            for key, item in value.items():
                _check(located, item, arguments[1], (*where, key))
        elif origin in (list, tuple) and isinstance(value, list):
            for index, item in enumerate(value):
                _check(located, item, arguments[0], (*where, index))
    # where a part is wrong already, or could not even be read, the whole has nothing to add
    if not any(problem.where[: len(where)] == where for problem in located.problems):
        _check_leaf(located, value, kind, where)


def _check_struct(located: Located, value: Any, kind: type[msgspec.Struct], where: KeyPath) -> None:
    if not isinstance(value, dict):
        names = ", ".join(field.name for field in msgspec.structs.fields(kind))
        located.report(where, f"is {_shown(value)}", f"expected keys below it: {names}")
        return
    hints, fields = _of_struct(kind)
    for key in value:
        if key not in fields:
            located.report((*where, key), "is not a known key", meant(str(key), fields, "known keys"))
    for name, field in fields.items():
        if name in value:
            _check(located, value[name], hints[field.name], (*where, name))
        elif field.required:
            located.report(where, f"lacks the key {name}", f"add {name}: {expected(hints[field.name])}")


@functools.cache
def _of_struct(kind: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, msgspec.structs.FieldInfo]]:
    """Type hints by field, and fields by their name in the file; resolved once, for every command reads these."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return hints, {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _check_leaf(located: Located, value: Any, kind: Any, where: KeyPath) -> None:
    try:
        msgspec.convert(value, kind, dec_hook=decode_quantity)
    except (msgspec.ValidationError, ValueError) as error:
        said = str(error).split(" - at ")[0]
        limits = f" ({said})" if any(sign in said for sign in ("<", ">", "length")) else ""
        quotes = "; put the text in quotes" if str in _options(kind) and value is not None else ""
        shown = "is not shown here, for it may be a secret" if not KEYS.isdisjoint(where) else f"is {_shown(value)}"
        located.report(where, shown, f"expected {expected(kind)}{limits}{quotes}")


def expected(kind: Any) -> str:
    """What a value of ``kind`` looks like, in words."""
    kinds = _options(kind)
    if len(kinds) > 1:
        return " or ".join(expected(option) for option in kinds)
    inner = _strip(kind)
    origin, arguments = typing.get_origin(inner), typing.get_args(inner)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin in (list, tuple):
        return f"a list, each {expected(arguments[0])}"
    if origin is dict:
        return "keys with values below them"
    return _WORDS.get(inner, "keys with values below them")


def _options(kind: Any) -> tuple[Any, ...]:
    inner = _strip(kind)
    if typing.get_origin(inner) in (typing.Union, types.UnionType):
        return typing.get_args(inner)
    return (inner,)


def _strip(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return (repr(value) if isinstance(value, str) else str(value))[:60]
