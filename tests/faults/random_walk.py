"""Operators, faults and crashes in any order: whatever they do, no promise is broken.

    python tests/faults/random_walk.py --runs 1000      prints runs, steps, violations, seconds
    python tests/faults/random_walk.py --runs 1000 --seed 7   the same walks again

Exit 0 when no promise was broken, 1 when one was: then the shortest walk that breaks it is printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import breaker  # noqa: E402

if __name__ == "__main__":
    breaker.preloaded(sys.argv)

import carried_out  # noqa: E402
import cases  # noqa: E402
from apart import run_apart  # noqa: E402
from carried_out import UNEXPECTED, Act, Ending, Fault, carry_out, start_together  # noqa: E402
from ground import Ground, adopt_everything  # noqa: E402
from hypothesis import HealthCheck, Phase, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test  # noqa: E402
from invariants import Scene, violations  # noqa: E402

_STEPS = 8
_RESTARTED_WITHIN = 12.0
FAULTS = st.one_of(
    st.just(Fault()),
    st.builds(Fault, st.integers(1, 420), st.sampled_from(["kill", "kill", "ENOSPC", "EIO", "full"])),
)


class Walk(RuleBasedStateMachine):
    """One deployment and what people and misfortune do to it. ``lane`` is set before the walks begin."""

    lane: cases.Lane
    steps = 0

    @initialize()
    def v1_runs(self) -> None:
        self.story: list[str] = []
        self.aside: frozenset[str] = frozenset()
        self.ended_by_hand = False
        self.lane.lay("cutover")

    @rule(fault=FAULTS)
    def cut_over(self, fault: Fault) -> None:
        self._do(carried_out.cutover(self._ground), fault)

    @rule(fault=FAULTS)
    def roll_back(self, fault: Fault) -> None:
        self._do(carried_out.rollback(self._ground), fault)

    @rule(fault=FAULTS)
    def resume(self, fault: Fault) -> None:
        for operation in self._open()[-1:]:  # no precondition: what stands open depends on real processes
            self._do(carried_out.resume(self._ground, operation), fault)

    @rule(fault=FAULTS)
    def abort(self, fault: Fault) -> None:
        for operation in self._open()[-1:]:
            self._do(carried_out.abort(self._ground, operation), fault)

    @rule(pair=st.sampled_from(["cutover rollback", "rollback rollback", "cutover cutover"]))
    def two_at_once(self, pair: str) -> None:
        acts: list[Act] = [getattr(carried_out, name)(self._ground) for name in pair.split()]
        endings = start_together(self._ground, acts)
        for ending in endings:
            self._after(ending)

    @rule()
    def everything_is_killed(self) -> None:
        """What a reboot leaves, and nobody has started anything since."""
        self.story.append("everything killed")
        self._ground.end_everything()
        self.ended_by_hand = True
        self._look()

    @rule(which=st.sampled_from(["service", "supervisor"]))
    def one_process_is_killed(self, which: str) -> None:
        before = self._ground.running()
        self.story.append(f"{which} of {before} killed")
        self._ground.kill_one(which)
        until = time.monotonic() + _RESTARTED_WITHIN
        while before and not self._ground.started_again() and time.monotonic() < until:
            time.sleep(0.005)  # its supervisor starts it again, unless it has had to too often
        self.ended_by_hand = self.ended_by_hand or not self._ground.started_again()

    @rule()
    def started_by_hand(self) -> None:
        if self._open() or self._ground.running():
            return
        self._ground.start("v1" if self._scene().configured_old else "v2")
        self.ended_by_hand = False
        self._look()

    @rule()
    def the_staged_tree_is_damaged(self) -> None:
        for path in sorted((self._ground.root / ".rollback/staged").rglob("*.json"))[:1]:
            path.write_bytes(b"not what it was")

    def teardown(self) -> None:
        """In the end a person puts it right, and everything is over and whole."""
        try:
            for _ in range(3):
                if not self._open():
                    break
                self._do(carried_out.rollback(self._ground), Fault())
            assert not self._open(), f"{self._open()} cannot be put right"
        finally:
            self._ground.end_everything()

    @property
    def _ground(self) -> Ground:
        return self.lane.ground

    def _open(self) -> list[str]:
        return [item.id for item in carried_out.operations(self._ground) if item.open]

    def _do(self, act: Act, fault: Fault) -> None:
        self._after(carry_out(self._ground, act, fault))

    def _after(self, ending: Ending) -> None:
        self.story.append(f"exit {ending.code} after {len(ending.calls)} calls: {ending.said[-200:]}")
        assert ending.code != UNEXPECTED and "Traceback" not in ending.said, ending.said
        assert ending.code != carried_out.NO_END, f"it did not end: {ending.said}"
        if self._ground.running():
            self.ended_by_hand = False
        self._look()

    def _look(self) -> None:
        Walk.steps += 1
        scene = self._scene()
        found = violations(scene)
        assert not found, (found, self.story, self._ground.services())
        self.aside |= scene.set_aside

    def _scene(self) -> Scene:
        return self.lane.scene(aside=self.aside, ended_by_hand=self.ended_by_hand)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="random_walk", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    began = time.monotonic()
    runs = [options.runs // options.lanes + (lane < options.runs % options.lanes) for lane in range(options.lanes)]
    readers = [_fork_lane(count, options.seed * 1000 + lane) for lane, count in enumerate(runs)]
    steps, broken = 0, 0
    for reader in readers:
        with os.fdopen(reader) as stream:
            walked, failed = stream.read().split() or ("0", "1")
        steps += int(walked)
        broken += int(failed)
    print(
        f"random walks, seed {options.seed}: {options.runs} runs, {steps} steps, {broken} violations, "
        f"{time.monotonic() - began:.0f} seconds"
    )
    return 1 if broken else 0


def _fork_lane(runs: int, number: int) -> int:
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        os.setsid()
        os._exit(run_apart(partial(_walk, runs, number, write)))
    os.close(write)
    return read


def _walk(runs: int, number: int, write: int) -> int:
    failed = 1
    try:
        failed = _walked(runs, number)
    finally:
        os.write(write, f"{Walk.steps} {failed}\n".encode())
    return failed


def _walked(runs: int, number: int) -> int:
    adopt_everything()
    base = Path(tempfile.mkdtemp(prefix="abaco-walk-", dir=cases.base_directory()))
    Walk.lane = cases.Lane(Ground(base / "lane"))
    try:
        Walk.lane.prepare()
        walks = settings(
            max_examples=runs,
            stateful_step_count=_STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        run_state_machine_as_test(seed(number)(Walk), settings=walks)
    except AssertionError:
        traceback.print_exc()
        return 1
    finally:
        Walk.lane.tear_down()
        shutil.rmtree(base, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
