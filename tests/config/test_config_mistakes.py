"""Every mistake in the configuration, in every file, at once: with file, line, key, and what would be right."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import ConfigError, Problem, load_deployment
from engine.config.deployment import NoDeployment
from engine.config.templates import write_config

Edit = Callable[[str, str, str], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_config(tmp_path / "d", demo=True)
    return tmp_path / "d"


@pytest.fixture
def edit(root: Path) -> Edit:
    def change(name: str, old: str, new: str) -> None:
        path = root / "config" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def mistakes(root: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_deployment(root)
    return caught.value.problems


def only(root: Path) -> str:
    (problem,) = mistakes(root)
    return str(problem)


def line_of(root: Path, name: str, text: str) -> int:
    lines = (root / "config" / name).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_the_shipped_configuration_is_right(root: Path) -> None:
    assert load_deployment(root).console.cadence.sample == 1


def test_all_mistakes_of_all_files_are_told_at_once(root: Path, edit: Edit) -> None:
    edit("console.yml", "environment:", "enviroment:")
    edit("console.yml", "sample: 5s", "sample: soon")
    edit("kpis.yml", "critical: 8", "critical: eight")
    edit("monitoring.yml", "call: data_ops", "call: data_op")
    edit("checklist.yml", "measure: free_space", "measure: DISC")
    edit("releases/v1.yml", "decimals: 1 ", "decimals: -1 ")
    edit("releases/v2.yml", "release: v2", "relase: v2")
    text = "\n".join(str(problem) for problem in mistakes(root))
    for file, key, right in (
        ("console.yml", "deployment.enviroment", "did you mean environment?"),
        ("console.yml", "lacks the key environment", "a text"),
        ("console.yml", "profiles.production.sample", "a duration such as 5s"),
        ("kpis.yml", "kpis.PAR30.critical", "expected a number"),
        ("monitoring.yml", "conditions.LAT.playbook.call", "did you mean data_ops?"),
        ("checklist.yml", "windows.0.tasks.5.measure", "did you mean DISK?"),
        ("releases/v1.yml", "decimals", ">= 0"),
        ("releases/v2.yml", "relase", "did you mean release?"),
    ):
        assert re.search(rf"{re.escape(file)}:\d+: .*{re.escape(key)}.*{re.escape(right)}", text), (file, key, text)


def test_each_mistake_names_its_line(root: Path, edit: Edit) -> None:
    edit("kpis.yml", "owner: CFO", "owner: [CFO]")
    assert f"kpis.yml:{line_of(root, 'kpis.yml', 'owner: [CFO]')}: kpis.CollectionRate.owner: is a list" in only(root)


def test_a_key_that_stands_twice_hides_no_other_mistake(root: Path, edit: Edit) -> None:
    edit("console.yml", "time_scale: 1", "stale_after: 9\ntime_scale: fast")
    shown = [str(problem) for problem in mistakes(root)]
    assert any("stale_after: stands twice" in line for line in shown)
    assert any("time_scale: is 'fast'" in line for line in shown)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("time_scale: 1", "time_scale: 0", "expected a number"),
        ("time_scale: 1", "time_scale: .inf", "no finite number"),
        ("time_scale: 1", "time_scale: .nan", "no finite number"),
        ("time_scale: 1", "time_scale: 010", "YAML reads as another number"),
        ("sample: 1s", "sample: 1:30", "YAML reads as another number"),
        ("sample: 1s", "sample: 0s", "is 0"),
        ("sample: 1s", "sample: -5", "a duration such as"),
        ("sample: 1s", "sample: 99999999999d", "a duration such as"),
        ("min_free: 5 GB", "min_free: 5 apples", "a size such as"),
        ("min_free: 5 GB", "min_free: -5", "a size such as"),
        ("title: Abaco Loans Analytics", "title: no", "put the text in quotes"),
        ("title: Abaco Loans Analytics", "title: 2026-01-31", "put the text in quotes"),
        ("title: Abaco Loans Analytics", "title:", "is empty"),
        ("title: Abaco Loans Analytics", "title: !!python/object:os.system x", "quote the text"),
        ("profile: demo", "profile: dmo", "did you mean demo?"),
        ("tape: data/raw", "tape: /data/raw", "no path below the deployment"),
        ("tape: data/raw", "tape: ../raw", "no path below the deployment"),
        ("covers: [data/metrics]", "covers: [.rollback/x]", "where snapshots are kept"),
        ("covers: [data/metrics]", "covers: [.]", "no path below the deployment"),
        ("covers: [data/metrics]", "covers: data/metrics", "expected a list"),
        ("to: v2", "to: v1", "the same release"),
        ("to: v2", "to: ../v2", "no name of a release"),
        ("version: 1", "version: 2", "one of 1"),
        ("keep: 5", "keep: 0", ">= 1"),
    ],
)
def test_a_wrong_value_is_told(root: Path, edit: Edit, old: str, new: str, said: str) -> None:
    edit("console.yml", old, new)
    shown = only(root)
    assert said in shown
    assert re.search(r"console\.yml:\d+: [a-z]", shown)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("kpis.yml", "range: [0, 100]", "range: [100, 0]", "the lower limit stands first"),
        ("kpis.yml", "par7_pct: [0, 100]", "par7_pct: [100, 0]", "the lower limit stands first"),
        ("kpis.yml", "dpd_120_plus_usd: dpd_90_plus_usd", "dpd_120_plus_usd: dpd_90", "dpd_90"),
        ("kpis.yml", "    stated: warn", "    stated: loud", "checks.severity.stated"),
        ("kpis.yml", "sample_rows: 5 ", "sample_rows: 99 ", "checks.sample_rows"),
        ("kpis.yml", "range: [0, 100]", "range: [0]", "length"),
        ("kpis.yml", "critical: 8", "critical: 4", "reached before warning"),
        (
            "kpis.yml",
            "total: total_receivable_usd",
            "total: total_recievable_usd",
            "did you mean total_receivable_usd?",
        ),
        ("kpis.yml", "expected: {PAR30", "expected: {PAR300", "did you mean PAR30?"),
        ("monitoring.yml", "critical: {enter: 500, hold: 2m}", "critical: {enter: 50, hold: 2m}", "reached before"),
        ("monitoring.yml", "verdict: WATCH", "verdict: WACH", "one of ROLL BACK"),
        ("monitoring.yml", "told: [data_ops]", "told: [data-ops]", "did you mean data_ops?"),
        ("checklist.yml", "every: 30m", "every: 0s", "never ends"),
        ("checklist.yml", "every: 30m", "every: 1ms", "more than 10000 slots"),
        ("checklist.yml", "    every: 30m\n", "", "not complete"),
        ("checklist.yml", "at: [0s]", "at: []", "has no slots"),
        ("checklist.yml", "id: hour-8", "id: hour-1", "a second time"),
        ("releases/v1.yml", "release: v1", "release: v2", "in the file of 'v1'"),
        ("releases/v1.yml", "{python}", "{pyton}", "did you mean {python}?"),
        ("releases/v1.yml", "files: [", "files: [] # [", "is empty"),
        ("releases/v2.yml", "files: [", 'files: ["/**", ', "build.files.0: is '/**', which begins in no directory"),
        ("releases/v2.yml", "files: [", 'files: ["/*/bin/x", ', "which begins in no directory"),
        ("releases/v2.yml", "files: [", 'files: ["{root}/../**", ', "which climbs out with .."),
        ("releases/v2.yml", "files: [", 'files: ["/proc/kmsg", ', "where the kernel shows itself"),
        ("releases/v2.yml", "abaco-pipeline-v2", "abaco-pipeline-v1", "one and the same service"),
    ],
)
def test_what_types_cannot_say_is_told(root: Path, edit: Edit, name: str, old: str, new: str, said: str) -> None:
    edit(name, old, new)
    assert any(said in str(problem) for problem in mistakes(root)), [str(problem) for problem in mistakes(root)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("- a\n- b\n", "is a list"),
        ("just text\n", "is 'just text'"),
        ("version: 1\n\tdeployment: x\n", "not with tabs"),
        ("a: b: c\n", "quote the text that holds a colon"),
        ("[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a: [1\n", "is not YAML"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("a: \x01\n", "is not YAML"),
        ("? [a, b]\n: 1\n", "a key is one word"),
    ],
)
def test_text_that_is_no_configuration_is_a_problem_and_no_exception(root: Path, text: str, said: str) -> None:
    (root / "config" / "kpis.yml").write_text(text)
    assert any(said in str(problem) for problem in mistakes(root)), [str(problem) for problem in mistakes(root)]


def test_aliases_and_merge_keys_are_refused_with_the_way_out(root: Path) -> None:
    path = root / "config" / "releases" / "v1.yml"
    path.write_text(path.read_text() + "  base: &base {a: 1}\n  again: *base\n  more:\n    <<: {b: 2}\n")
    shown = "\n".join(str(problem) for problem in mistakes(root))
    assert "pipeline.again: is an alias" in shown
    assert "pipeline.more.<<: is a merge key" in shown


def test_an_alias_of_itself_ends(root: Path) -> None:
    path = root / "config" / "releases" / "v1.yml"
    path.write_text(path.read_text() + "  loop: &loop [*loop]\n")
    assert "is an alias" in only(root)


def test_a_thousandfold_alias_ends_at_once(root: Path) -> None:
    laughs = ["  a0: &a0 [x, x]"] + [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path = root / "config" / "releases" / "v1.yml"
    path.write_text(path.read_text() + "\n".join(laughs) + "\n")
    assert len(mistakes(root)) < 1000


def test_missing_unreadable_and_odd_files_are_told_together(root: Path) -> None:
    (root / "config" / "kpis.yml").unlink()
    (root / "config" / "monitoring.yml").write_bytes(b"\xff\xfe\x00")
    (root / "config" / "checklist.yml").unlink()
    os.mkfifo(root / "config" / "checklist.yml")
    shown = [str(problem) for problem in mistakes(root)]
    assert len(shown) == 3
    assert "kpis.yml:1: the file is missing" in shown[0]
    assert "monitoring.yml:1: cannot be read" in shown[1]
    assert "checklist.yml:1: is no file" in shown[2]


def test_a_mistake_in_console_yml_hides_none_in_a_release(root: Path, edit: Edit) -> None:
    edit("console.yml", "releases:", "relases:")
    edit("releases/v2.yml", "decimals: 2 ", "decimals: two ")
    assert any("v2.yml" in str(problem) and "'two'" in str(problem) for problem in mistakes(root))


def test_a_directory_without_configuration_is_told_what_to_do(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoDeployment, match="is no deployment") as caught:
            load_deployment(root)
        assert "abaco-ops demo" in caught.value.fix


def test_a_message_cannot_steer_the_terminal(root: Path, edit: Edit) -> None:
    edit("console.yml", "environment: DEMO", '"\\e[31mred": x\n  environment: [DEMO]')
    assert all(str(problem).isprintable() for problem in mistakes(root))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_damage_to_a_file_is_a_traceback(root: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["console.yml", "kpis.yml", "monitoring.yml", "checklist.yml", "releases/v1.yml"]))
    path = root / "config" / name
    good = path.read_bytes()
    try:
        start = data.draw(st.integers(0, len(good)))
        gone = data.draw(st.integers(0, 30))
        new = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"\t", b": ", b"- ", b"&a ", b"*a", b"{", b"!!"]))
        )
        path.write_bytes(good[:start] + new + good[start + gone :])
        try:
            load_deployment(root)
        except ConfigError as error:
            assert error.problems
    finally:
        path.write_bytes(good)
