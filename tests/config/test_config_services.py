"""What runs the services: chosen once for the deployment, with the units named where that is systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import ConfigError, load_deployment
from engine.config.templates import write_config
from engine.config.units import instance


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_config(tmp_path / "d", demo=True)
    return tmp_path / "d"


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / "config" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def mistakes(root: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_deployment(root)
    return [str(problem) for problem in caught.value.problems]


def by_systemd(root: Path) -> None:
    edit(root, "console.yml", "backend: embedded", "backend: systemd")


def test_a_deployment_is_run_by_daemons_of_its_own_unless_it_says_otherwise(root: Path) -> None:
    assert load_deployment(root).console.services.backend == "embedded"
    path = root / "config/console.yml"
    text = path.read_text()
    begin, end = text.index("services:\n"), text.index("snapshot:\n")
    path.write_text(text[:begin] + text[end:])
    assert load_deployment(root).console.services.backend == "embedded", "a configuration from before has no such key"


def test_one_word_moves_both_releases_to_systemd(root: Path) -> None:
    by_systemd(root)
    deployment = load_deployment(root)
    assert deployment.old.service.unit_name == "abaco-pipeline-v1.service"
    edit(root, "releases/v1.yml", "# unit: abaco-v1.service", "unit: abaco-v1.service")
    assert load_deployment(root).old.service.unit_name == "abaco-v1.service"


def test_a_release_file_from_before_still_says_its_backend(root: Path) -> None:
    edit(root, "releases/v1.yml", "  command:", "  backend: embedded\n  command:")
    assert load_deployment(root).old.service.backend == "embedded"
    by_systemd(root)
    (told,) = mistakes(root)
    assert "service.backend" in told and "is embedded, and console.yml says systemd" in told
    assert "leave it out here" in told


@pytest.mark.parametrize("unit", ["abaco-v1", "abaco v1.service", "../v1.service", "v1.socket", "abaco@.service", "''"])
def test_a_unit_must_be_one(root: Path, unit: str) -> None:
    edit(root, "releases/v1.yml", "# unit: abaco-v1.service ", f"unit: {unit} ")
    (told,) = mistakes(root)
    assert "service.unit" in told and "no unit of a service" in told and "abaco-v1.service" in told


def test_two_releases_need_two_units(root: Path) -> None:
    for name in ("v1", "v2"):
        edit(root, f"releases/{name}.yml", f"# unit: abaco-{name}.service ", "unit: abaco.service ")
    (told,) = mistakes(root)
    assert "have one and the same unit, 'abaco.service'" in told


@pytest.mark.parametrize("template", ["abaco-ops-operation.service", "abaco-ops-operation@1.service", "operation@"])
def test_operations_need_a_template(root: Path, template: str) -> None:
    by_systemd(root)
    edit(root, "console.yml", "operation_unit: null", f"operation_unit: {template}")
    (told,) = mistakes(root)
    assert "services.operation_unit" in told and "no template unit" in told and "abaco-ops-operation@.service" in told


def test_units_are_of_no_use_without_systemd(root: Path) -> None:
    edit(root, "console.yml", "operation_unit: null", "operation_unit: abaco-ops-operation@.service")
    edit(root, "console.yml", "monitor_unit: null", "monitor_unit: abaco-ops-monitor.service")
    told = mistakes(root)
    assert len(told) == 2 and all("is given, and services.backend is embedded" in line for line in told)


def test_under_systemd_a_release_needs_no_command_of_its_own(root: Path) -> None:
    path = root / "config/releases/v1.yml"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("  command: ")))
    (told,) = mistakes(root)
    assert "service.command" in told and "is empty" in told
    by_systemd(root)
    assert load_deployment(root).old.service.command == []


def test_an_operation_is_an_instance_of_its_template() -> None:
    assert instance("abaco-ops-operation@.service", "0003-cutover.1") == "abaco-ops-operation@0003-cutover.1.service"
