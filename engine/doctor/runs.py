"""What the newest run of the live release says of itself: does it name the build that lies on the disk?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.config import Deployment
from engine.doctor.finding import Finding
from engine.records import records_from_end
from engine.services.active import active_release
from engine.validation.named_build import other_build
from engine.validation.runs import Run
from engine.validation.stint import of_stint, present_stint


def examine_runs(deployment: Deployment) -> Iterator[Finding]:
    """Nothing where no release is live. One that has finished no run in its present stint has done nothing wrong."""
    release = active_release(deployment).name
    if release is None:
        return
    newest = of_stint(_newest(deployment, release), present_stint(deployment, release))
    if not newest:
        yield Finding("runs", "ok", f"{release} has finished no run yet")
        return
    problem = other_build(deployment, release, newest[0].build)
    if problem is None:
        yield Finding("runs", "ok", f"the newest run of {release} names the build on the disk")
    else:
        yield Finding("runs", "FAIL" if problem.missing else "WARN", problem.what, problem.fix)


def _newest(deployment: Deployment, release: str) -> list[Run]:
    """The newest run of the release that can be read, alone; damaged lines are told by the validation. OSError."""
    for record in records_from_end(deployment.paths.runs):
        try:
            run = msgspec.convert(record, Run, strict=False)
        except msgspec.ValidationError:
            continue
        if run.release == release:
            return [run]
    return []
