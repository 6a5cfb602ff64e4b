"""YAML with the line of every key kept, so that an error can say where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.config.problems import Problem

KeyPath = tuple[str | int, ...]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Located:
    """A parsed YAML file: plain values, and for each key path the line (from 1) it stands in."""

    path: Path
    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, where: KeyPath) -> int:
        """The line of ``where``, or of its nearest ancestor that has one."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read_yaml(path: Path) -> Located:
    """Parse one file; text that is no YAML, or holds a key twice, becomes a problem, never an exception."""
    located = Located(path)
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_LOADER)
    except FileNotFoundError:
        located.problems.append(Problem(path, 1, (), "the file is missing", "abaco-ops init DIR writes one"))
    except (OSError, UnicodeDecodeError) as error:
        located.problems.append(Problem(path, 1, (), f"cannot be read: {error}", "mend its mode or encoding"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        said = getattr(error, "problem", None) or str(error)
        located.problems.append(Problem(path, line, (), f"is not YAML: {said}", "mend the line or quote its text"))
    else:
        if node is not None:
            located.value = _value(node, (), located, yaml.SafeLoader(""))
    return located


def _value(node: yaml.Node, where: KeyPath, located: Located, scalars: yaml.SafeLoader) -> Any:
    located.lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, located, scalars)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*where, index), located, scalars) for index, item in enumerate(node.value)]
    try:
        return scalars.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        located.problems.append(
            Problem(located.path, node.start_mark.line + 1, where, f"cannot be read: {error}", "quote the text")
        )
        return None


def _mapping(node: yaml.MappingNode, where: KeyPath, located: Located, scalars: yaml.SafeLoader) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in result:
            located.problems.append(Problem(located.path, line, (*where, key), "stands twice", "keep one of the two"))
        located.lines[(*where, key)] = line
        result[key] = _value(value_node, (*where, key), located, scalars)
    return result
