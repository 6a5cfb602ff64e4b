"""The whole sweep: RETURN.sh killed (SIGKILL, with its process group) at each command it runs, then run again.

``python tests/break_glass/sweep.py`` kills it once at each call, then ``--twice N`` times at two: the attempt that
goes on is killed as well. Prints cases, failures and seconds; exits 1 when there was a failure. The suite runs a part
of it (test_break_glass_killed.py).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from shell_site import ShellSite, bare_path, counting_path  # noqa: E402 - it is run as it is, too

NEVER = 1_000_000


class Sweep:
    """``where`` is an empty directory to work in."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._bare = bare_path(where / "bare")
        self._counting = counting_path(where / "counting")
        self._made = 0

    def calls(self) -> int:
        """How many commands an undisturbed way back runs; a few more or less each time, for it waits by looking."""
        site = self.site()
        try:
            return self.run(site, NEVER)[0]
        finally:
            site.end()

    def site(self) -> ShellSite:
        """A fresh deployment whose new release publishes."""
        self._made += 1
        site = ShellSite(self._where / f"it's {self._made}").make(ended=self._made % 2 == 0, staged=self._made % 3 > 0)
        site.await_runs("v2", 1)
        return site

    def run(self, site: ShellSite, kill_at: int) -> tuple[int, int]:
        """Run the script, to be killed at this call; how many calls it made, and its exit code."""
        count = site.root.parent / f"count-{self._made}"
        count.write_text("")
        ended = site.run("--yes", path=self._counting, more={"GLASS_COUNT": str(count), "GLASS_KILL_AT": str(kill_at)})
        return len(count.read_text()), ended.returncode

    def case(self, *kills: int) -> list[str]:
        """Kill it at these calls, one attempt after the other, then let it come to its end; what was violated."""
        site = self.site()
        try:
            for kill_at in kills:
                self.run(site, kill_at)
                found = site.violations(settled=False)
                if found:
                    return [f"after the kill: {item}" for item in found]
            last = site.run("--yes", path=self._bare)
            found = site.violations()
            if last.returncode not in (0, 2):
                found.append(f"exit {last.returncode}: {last.stdout[-600:]}{last.stderr[-300:]}")
            return found
        finally:
            site.end()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each Nth call")
    parser.add_argument("--twice", type=int, default=40, help="how often at two calls")
    options = parser.parse_args()
    began, failures, cases = time.monotonic(), 0, 0
    memory = Path("/dev/shm")  # what a kill leaves does not depend on the disk, and the sweep is long
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        sweep = Sweep(Path(place))
        calls = sweep.calls()
        print(f"{calls} commands", flush=True)
        dice = random.Random(calls)
        kills = [(at,) for at in range(1, calls + 1, options.every)]
        kills += [(dice.randint(1, calls), dice.randint(1, calls)) for _ in range(options.twice)]
        dice.shuffle(kills)  # cut short, it has still looked everywhere
        for kill in kills:
            cases += 1
            if cases % 50 == 0:
                print(f"{cases} of {len(kills)}, {failures} failures, {time.monotonic() - began:.0f} s", flush=True)
            found = sweep.case(*kill)
            failures += bool(found)
            if found:
                print(f"killed at {kill}: {'; '.join(found)}", flush=True)
    print(f"{cases} cases, {failures} failures, {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
