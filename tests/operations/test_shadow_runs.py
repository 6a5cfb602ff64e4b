"""After a cutover the old release computes each tape in the shadow, by the real monitor, and the screen rests on it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from in_this_process import here
from site_at_work import Site, await_that

from engine.records import sound_records


def shadows(site: Site) -> list[dict[str, Any]]:
    return sound_records(site.deployment.paths.shadow)[0]


def of_tape(site: Site, data: bytes) -> list[dict[str, Any]]:
    digest = hashlib.sha256(data).hexdigest()
    return [record for record in shadows(site) if record["tape_sha256"] == digest and not record["reason"]]


def status(site: Site) -> dict[str, Any]:
    return json.loads(here("--root", str(site.root), "status", "--json").stdout)  # type: ignore[no-any-return]


def test_each_new_tape_is_computed_by_the_old_release_and_compared_with_the_new_one(lasting: Site) -> None:
    lasting.edit_console("shadow: 10s", "shadow: 1s")
    lasting.watch()
    tape = lasting.deployment.tape
    assert lasting.cutover().state == "SUCCEEDED"
    (first, *_) = await_that(lambda: of_tape(lasting, tape.read_bytes()))
    assert first["release"] == "v1" and first["build"] and first["values"]["PAR30"] == 2.2
    published = lasting.metrics()

    changed = b"".join(tape.read_bytes().splitlines(keepends=True)[:-500])
    new = tape.with_name("next.csv")
    new.write_bytes(changed)
    new.replace(tape)
    (second, *_) = await_that(lambda: of_tape(lasting, changed))
    assert second["values"] != first["values"] or second["measurement_date"] != first["measurement_date"]
    assert not [name for name in lasting.metrics() if "_v1_" in name and name not in published], "it is kept aside"
    found = await_that(lambda: _compared(lasting))
    assert found["conditions"]["KPIV"]["value"] == 0
    assert found["shadow"]["current"] and found["shadow"]["values"] == second["values"]


def _compared(site: Site) -> dict[str, Any] | None:
    """The state once the new release has run on the new tape and the monitor has compared the two."""
    found = status(site)
    shadow, kpiv = found["shadow"], found["conditions"].get("KPIV", {})
    runs = [run for run in site.runs() if run["release"] == "v2"]
    same = bool(runs) and runs[-1]["tape_sha256"] == hashlib.sha256(site.deployment.tape.read_bytes()).hexdigest()
    return found if same and shadow and shadow["current"] and kpiv.get("level") == "ok" else None
