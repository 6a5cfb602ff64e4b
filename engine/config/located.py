"""YAML with the line of every key kept, so that an error can say where it stands."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.config.problems import Problem

KeyPath = tuple[str | int, ...]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TOO_DEEP = ("is nested too deeply", "no configuration needs more than a few levels")
_TEXT = _TAG + "str"
_COLLECTIONS = (_TAG + "map", _TAG + "seq")
_TWO_WAYS = re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-9]+)+(\.[0-9]*)?|[0-9]+_[0-9_]*)")
"""Numbers that YAML 1.1 reads otherwise than people do: 010 is 8, 1:30 is 90."""


class Located(msgspec.Struct):
    """A parsed YAML file: plain values, and for each key path the line (from 1) it stands in."""

    path: Path
    value: Any = None
    lines: dict[KeyPath, int] = msgspec.field(default_factory=dict)
    problems: list[Problem] = msgspec.field(default_factory=list)
    unreadable: bool = False
    """True when there is no value to check: the file is missing or is no YAML."""

    def line(self, where: KeyPath) -> int:
        """The line of ``where``, or of its nearest ancestor that has one."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def report(self, where: KeyPath, what: str, right: str, line: int | None = None) -> None:
        """Add a problem at ``where``."""
        self.problems.append(Problem(self.path, line or self.line(where), where, what, right))

    def give_up(self, what: str, right: str, line: int = 1) -> None:
        """Add the problem that leaves nothing to check."""
        self.unreadable = True
        self.problems.append(Problem(self.path, line, (), what, right))


def read_yaml(path: Path) -> Located:
    """Parse one file; text that is no YAML, or holds a key twice, becomes a problem, never an exception."""
    located = Located(path)
    try:
        if path.exists() and not path.is_file():
            located.give_up("is no file", "put a YAML file in its place")
            return located
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER)
        if node is not None:
            located.value = _Reading(located).value(node, ())
    except FileNotFoundError:
        located.give_up("the file is missing", "abaco-ops init DIR writes one")
    except (OSError, UnicodeDecodeError) as error:
        located.give_up(f"cannot be read: {error}", "mend its mode, or save it as UTF-8")
    except yaml.YAMLError as error:
        located.give_up(*_syntax(error))
    except RecursionError:
        located.give_up(*_TOO_DEEP)
    return located


def _syntax(error: yaml.YAMLError) -> tuple[str, str, int]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if "nesting depth" in said:
        return (*_TOO_DEEP, mark.line + 1 if mark else 1)
    right = "mend the line or quote its text"
    if "\\t" in said or " tab " in said:
        right = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in said:
        right = "quote the text that holds a colon, or mend the indentation"
    return f"is not YAML: {said}", right, mark.line + 1 if mark else 1


class _Reading:
    """One pass over a parsed file: values out, lines and mistakes noted."""

    def __init__(self, located: Located) -> None:
        self._located = located
        self._seen: set[int] = set()
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, where: KeyPath) -> Any:
        self._located.lines.setdefault(where, node.start_mark.line + 1)
        if id(node) in self._seen:  # the parser gives one node for all its aliases
            self._wrong(
                node, where, "is an alias (*name) of something above", "write it out; aliases are not used here"
            )
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, where)
        if node.tag not in _COLLECTIONS:
            self._wrong(node, where, f"has the tag {node.tag.replace(_TAG, '!!')}", "leave the tag out")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        return [self.value(item, (*where, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, where: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(key_node, where, "holds a key that is a list or a group", "a key is one word")
                continue
            key = str(key_node.value)
            inner = (*where, key)
            if key_node.tag == _TAG + "merge":
                self._wrong(key_node, inner, "is a merge key", "write the keys out; merging is not used here")
                continue
            if key in result:
                self._wrong(key_node, inner, "stands twice", "keep one of the two")
            self._located.lines[inner] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, inner)
        return result

    def _scalar(self, node: yaml.ScalarNode, where: KeyPath) -> Any:
        if node.tag == _TEXT:  # most are: nothing has to be made of them
            return node.value
        number = node.tag in (_TAG + "int", _TAG + "float")
        if number and _TWO_WAYS.fullmatch(node.value):
            self._wrong(
                node, where, f"is {node.value}, which YAML reads as another number", "quote it, or write it plainly"
            )
            return None
        try:
            value = self._scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            said = getattr(error, "problem", None) or str(error)
            self._wrong(node, where, f"cannot be read: {said}", "quote the text")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._wrong(node, where, f"is {node.value}, no finite number", "give a number")
            return None
        return value

    def _wrong(self, node: yaml.Node, where: KeyPath, what: str, right: str) -> None:
        self._located.report(where, what, right, node.start_mark.line + 1)
