"""Random nights: the monitor against an oracle that judges the samples received by the rules of the design.

    python tests/nights/nights.py --nights 1000              prints the figures of a thousand nights
    python tests/nights/nights.py --nights 1 --seed 7        one night again
    python tests/nights/nights.py --commit --seconds 30      others for each commit, until the time is over
    python tests/nights/nights.py --days 28                  28 days in one piece, and what the monitor keeps of them

Each night is 24 hours after a cutover with 2 to 7 faults, up to 10 % of samples and runs lost, two suspends, a step of
the clock and 1 to 6 restarts of the monitor, some of them a kill in the middle of a sample. People decide the gates, go
or no-go, and take half of the alerts. Two nights in a thousand sample every 5 s as production does, the others every
60 s, 120 s or 300 s: the rules scale with the cadence. Exit 1 when a page was missed or false, a verdict or a gate
differs or a row is lost; the first differences are printed with their seed. Pages are the alerts in the audit trail:
opened, gone up a level, cleared.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from days import weeks  # noqa: E402
from night import Result, play  # noqa: E402
from story import draw  # noqa: E402

COUNTED = ("samples", "faults", "verdicts", "gates", "criteria", "pages", "missed", "false", "rows", "rows_lost")


def cadence_of(seed: int) -> float:
    """How often this night samples, in seconds."""
    if seed % 500 == 50:
        return 5.0
    return 60.0 if seed % 100 == 0 else 120.0 if seed % 20 == 0 else 300.0


def one(seed: int) -> Result:
    return play(draw(seed, cadence=cadence_of(seed)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first night")
    parser.add_argument("--commit", action="store_true", help="begin at a seed that the present commit gives")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no night after this time")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--days", type=float, help="one watch of so many days instead of nights")
    options = parser.parse_args()
    if options.days:
        return weeks(options.days, options.seed)
    first = options.seed + (_of_commit() if options.commit else 0)
    began = time.monotonic()
    total, words, nights, bad = Result(0), Counter[str](), Counter[float](), []
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = [pool.submit(one, seed) for seed in range(first, first + options.nights)]
        for seed, future in enumerate(waiting, start=first):
            if time.monotonic() - began > options.seconds:
                for other in waiting:  # all at once: the pool keeps some in hand, and those run to their end
                    other.cancel()
            if future.cancelled():
                continue
            found = future.result()
            nights[cadence_of(seed)] += 1
            words += found.words
            for name in COUNTED:
                setattr(total, name, getattr(total, name) + getattr(found, name))
            if found.wrong:
                bad.append(found)
                if len(bad) <= 5:
                    print("\n  ".join((f"night {found.seed}:", *found.wrong[:6])), flush=True)
    shown = ", ".join(f"{count} at {cadence:g} s" for cadence, count in sorted(nights.items()))
    print(f"nights {sum(nights.values())} ({shown}), seeds from {first}")
    print(f"samples {total.samples}  faults {total.faults}  verdicts checked {total.verdicts} {dict(words)}")
    print(f"gates decided {total.gates}  criteria checked {total.criteria}")
    print(f"pages {total.pages}  missed pages {total.missed}  false pages {total.false}")
    print(f"rows and slots {total.rows}  rows lost {total.rows_lost}  nights that differ {len(bad)}")
    print(f"seconds {time.monotonic() - began:.0f}")
    return 1 if bad or total.missed or total.false or total.rows_lost else 0


def _of_commit() -> int:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    return int(done.stdout[:6] or "0", 16) * 1000


if __name__ == "__main__":
    raise SystemExit(main())
