"""The terminal dies in the middle of an operation: the operation does not notice."""

from __future__ import annotations

import shutil

import pytest
from operator_at_work import COMMAND, Operator
from terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def start_in_terminal(operator: Operator, kind: str) -> Terminal:
    return Terminal([*COMMAND, "--root", str(operator.root), kind, "--yes", "--reason", "planned"], cwd=operator.root)


def operation_is_under_way(status: dict) -> bool:  # type: ignore[type-arg]
    return status["operation"] is not None and status["operation"]["state"] == "RUNNING"


def last_operation_succeeded(status: dict) -> bool:  # type: ignore[type-arg]
    return status["operation"] is None and status["last_operation"]["state"] == "SUCCEEDED"


def test_a_cutover_and_a_rollback_finish_without_their_terminal(operator: Operator) -> None:
    for kind, release in (("cutover", "v2"), ("rollback", "v1")):
        terminal = start_in_terminal(operator, kind)
        try:
            operator.until(operation_is_under_way)
        finally:
            terminal.close()
        status = operator.until(last_operation_succeeded)
        assert status["last_operation"]["kind"] == kind
        operator.until(lambda seen, release=release: seen["release"] == release)  # type: ignore[misc]
