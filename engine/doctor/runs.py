"""What the newest run of the live release says of itself: does it name the build that lies on the disk?"""

from __future__ import annotations

from collections.abc import Iterator

from engine.config import Deployment
from engine.doctor.finding import Finding
from engine.services.active import active_release
from engine.validation.named_build import other_build
from engine.validation.runs import newest_run
from engine.validation.stint import present_stint


def examine_runs(deployment: Deployment) -> Iterator[Finding]:
    """Nothing where no release is live. One that has finished no run in its present stint has done nothing wrong."""
    release = active_release(deployment).name
    if release is None:
        return
    newest, stint = newest_run(deployment.paths, release), present_stint(deployment, release)
    if newest is None or (stint is not None and not stint.holds(newest)):
        yield Finding("runs", "ok", f"{release} has finished no run yet")
        return
    problem = other_build(deployment, release, newest.build)
    if problem is None:
        yield Finding("runs", "ok", f"the newest run of {release} names the build on the disk")
    else:
        yield Finding("runs", "FAIL" if problem.missing else "WARN", problem.what, problem.fix)
