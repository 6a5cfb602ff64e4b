"""A file that converts as a whole is not gone through key by key: so no part may take a key that it does not know."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from engine.config.checklist import ChecklistConfig
from engine.config.console import ConsoleConfig
from engine.config.kpis import KpiConfig
from engine.config.monitoring import MonitoringConfig
from engine.config.release import ReleaseConfig
from engine.monitoring.rule_files import RuleFile


def parts(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Every struct in it."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for hint in typing.get_type_hints(kind, include_extras=True).values():
            yield from parts(hint)
    for inner in typing.get_args(kind):
        yield from parts(inner)


@pytest.mark.parametrize(
    "kind",
    [ConsoleConfig, KpiConfig, MonitoringConfig, ChecklistConfig, ReleaseConfig, RuleFile],
    ids=lambda k: k.__name__,
)
def test_no_part_of_a_file_takes_a_key_that_it_does_not_know(kind: type[msgspec.Struct]) -> None:
    assert [part.__name__ for part in parts(kind) if not part.__struct_config__.forbid_unknown_fields] == []
