"""Whether each rename of a cutover and a rollback is followed by the fsync of its directories before the next record.

python tests/faults/durable.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import breaker  # noqa: E402

if __name__ == "__main__":
    breaker.preloaded(sys.argv)

import carried_out  # noqa: E402
import cases  # noqa: E402
from breaker import Call  # noqa: E402
from carried_out import Fault, carry_out  # noqa: E402
from ground import Ground, adopt_everything  # noqa: E402


def lacking(calls: list[Call]) -> tuple[int, list[str]]:
    """How many renames there are, and those one of whose directories was not synced before the next journal record."""
    renames, found = 0, []
    for index, call in enumerate(calls):
        if not call.name.startswith("rename"):
            continue
        renames += 1
        waiting = {str(Path(path).parent) for path in (call.path, call.other)}
        for later in calls[index + 1 :]:
            if later.name in ("fsync", "syncfs"):
                waiting.discard(later.path)
            if later.name == "write" and later.path.endswith("journal.jsonl"):
                break
        found += [f"call {call.number}: {call.path} -> {call.other}: {path} not synced" for path in sorted(waiting)]
    return renames, found


def main() -> int:
    """The command: exit 0 when none is lacking."""
    adopt_everything()
    base = Path(tempfile.mkdtemp(prefix="abaco-durable-", dir=cases.base_directory()))
    lane = cases.Lane(Ground(base / "lane"))
    renames, found = 0, []
    try:
        lane.prepare()
        for operation, act in (("cutover", carried_out.cutover), ("rollback", carried_out.rollback)):
            lane.lay(operation)
            ending = carry_out(lane.ground, act(lane.ground), Fault())
            lane.ground.end_everything()
            assert ending.code == 0, ending.said
            count, missing = lacking(ending.calls)
            renames, found = renames + count, found + missing
    finally:
        lane.tear_down()
        shutil.rmtree(base, ignore_errors=True)
    for text in found:
        print(text)
    print(f"{renames} renames, {len(found)} not made durable")
    return 1 if found or not renames else 0


if __name__ == "__main__":
    raise SystemExit(main())
