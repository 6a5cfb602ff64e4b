"""audit_trail: a run says which build ran, and it is the one that lies on the disk."""

from __future__ import annotations

from production import Production, statuses

from engine.config import load_deployment
from engine.services.build import build_hash

AUDIT = "audit_trail"


def on_units(production: Production) -> None:
    console = production.deployment.paths.config / "console.yml"
    console.write_text(console.read_text().replace("backend: embedded", "backend: systemd"))
    release = production.deployment.paths.release("v2")
    release.write_text(release.read_text().replace("# unit: abaco-v2.service", "unit: orders-new.service"))
    production.deployment = load_deployment(production.deployment.root)


def test_a_run_that_names_no_build_fails_the_audit_alone(production: Production) -> None:
    for nothing in ("", None):
        production.run(build=nothing)
        report = production.validate()
        assert statuses(report) == {AUDIT: "FAIL"}
        (issue,) = report.checks[AUDIT].issues
        assert issue.startswith("the runs of v2 name no build: let its program write ABACO_OPS_BUILD")


def test_where_a_unit_runs_it_the_unit_is_named_and_what_to_write_into_it(production: Production) -> None:
    on_units(production)
    production.run(build="")
    (issue,) = production.validate().checks[AUDIT].issues
    assert "in orders-new.service ExecStart=/usr/bin/abaco-ops service exec v2" in issue
    assert "`build` into each run record" in issue


def test_files_that_changed_under_the_running_release_are_a_warning(production: Production) -> None:
    on_disk = build_hash(production.deployment, "v2")
    production.run(build="c0ffee" + "0" * 58)
    report = production.validate()
    assert statuses(report) == {AUDIT: "WARN"}
    assert f"build c0ffee of v2 runs, {on_disk[:6]} is on the disk" in report.checks[AUDIT].issues[0]
    assert "abaco-ops service stop v2" in report.checks[AUDIT].issues[0]


def test_files_that_are_gone_are_no_pass(production: Production) -> None:
    path = production.deployment.paths.release("v2")
    path.write_text(path.read_text().replace("{engine}/pipeline/", "{root}/nowhere/"))
    production.deployment = load_deployment(production.deployment.root)
    report = production.validate()
    assert statuses(report)[AUDIT] == "WARN"
    assert "the build files of v2 do not exist" in report.checks[AUDIT].summary


def test_it_is_the_newest_run_that_counts(production: Production) -> None:
    production.run(build="")
    production.run()
    assert statuses(production.validate()) == {}


def test_what_lies_beside_a_release_that_stands_still_is_not_judged(production: Production) -> None:
    production.run(build="c0ffee" + "0" * 58)
    production.not_running = "no release runs"
    parts = {part.name: part.status for part in production.validate().checks[AUDIT].parts}
    assert parts["last_run_build"] == "NOT RUN"
