"""Configuration that anybody could change stops a cutover: it names commands that run as the operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Deployment
from engine.doctor.deployment import examine_deployment
from engine.operations.places import problems


@pytest.mark.parametrize("name", ["config/console.yml", "config/releases/v2.yml", "config/pipeline.yml", "config", "."])
def test_what_every_account_could_change_is_named_with_what_to_do(deployment: Deployment, name: str) -> None:
    path = deployment.root / name
    before = path.stat().st_mode
    assert said(deployment) == []
    path.chmod(before | 0o002)
    assert said(deployment) == [
        f"every account can change {path}, and configuration names commands that run as you: chmod o-w {path}"
    ]
    path.chmod(before)
    assert said(deployment) == []


def test_a_directory_in_which_only_the_owner_may_replace_is_none_of_these(deployment: Deployment) -> None:
    deployment.root.chmod(0o1777)
    assert said(deployment) == []


def test_doctor_fails_on_it(deployment: Deployment) -> None:
    (deployment.paths.config / "console.yml").chmod(0o666)
    failed = [finding for finding in examine_deployment(deployment) if "every account can change" in finding.what]
    assert [finding.status for finding in failed] == ["FAIL"]


def said(deployment: Deployment) -> list[str]:
    return [problem for problem in problems(deployment, probing=False) if "every account" in problem]


def test_directories_above_count_too(deployment: Deployment, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert any(str(tmp_path) in problem for problem in said(deployment))
