"""A new release that is live without a cutover, for tests of what comes after one."""

from __future__ import annotations

from site_at_work import Site, await_that

from engine.clock import SystemClock
from engine.operations.configuration import activate
from engine.operations.reserve import keep_reserve
from engine.services import open_service
from engine.services.build import build_hash
from engine.snapshots import Origin, read_snapshot, stage, take_snapshot


def new_release_goes_live(site: Site) -> None:
    """What a cutover leaves behind, in a fraction of its time: V2 runs and has published, the way back is staged."""
    deployment = site.deployment
    origin = Origin("final", "by-hand", "v1", build_hash(deployment, "v1"), SystemClock().now().wall)
    assert open_service(deployment, "v1").stop().stopped
    manifest = take_snapshot(deployment, origin)
    stage(deployment, read_snapshot(deployment, deployment.paths.snapshots / manifest.id), origin)
    keep_reserve(deployment)
    configuration = deployment.paths.release("v2").read_bytes() + b"# edited on the day\n"
    activate(deployment.active_config, configuration)
    open_service(deployment, "v2").start()
    await_that(lambda: site.runs()[-1]["release"] == "v2")
