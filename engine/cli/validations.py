"""``abaco-ops validations``: earlier validations as a trend, and the report of each."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from engine.cli.frame import Context
from engine.cli.paint import painted
from engine.cli.validate import report_lines, write_page
from engine.errors import DONE, Refused
from engine.validation.history import History, Kept, read_history
from engine.validation.kept_reports import NEWEST, place_of, read_report
from engine.validation.trend import SHORT, Series, chosen, letters, number, series

_SHOWN = 30
_WIDTH = 79
_LEAST = 7
"""Characters that a column of figures has at least."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``validations [REPORT] [--last N] [--figure NAME] [--parts] [--html FILE] [--json]``."""
    parser.add_argument(
        "report", metavar="REPORT", nargs="?", default="", help="one report, whole: newest, or its time 20260131_020000"
    )
    parser.add_argument("--last", metavar="N", type=_count, default=_SHOWN, help=f"how many (default {_SHOWN})")
    parser.add_argument("--figure", metavar="NAME", action="append", default=[], help="which figures; more than once")
    parser.add_argument("--parts", action="store_true", help="with REPORT: every question of each check")
    parser.add_argument("--html", metavar="FILE", help="the report as one HTML file; - is standard output")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """Print; 0, whatever the verdicts are."""
    deployment = context.deployment()
    if options.html and options.html != "-":
        context.require_write("abaco-ops validations --html", deployment)
    if options.html and options.json:
        raise Refused("one form at a time", "--json or --html")
    if options.report or options.html:
        place = place_of(deployment.paths, options.report or NEWEST)
        report = read_report(place)
        if options.html:
            write_page(deployment, report, options.html)
        elif options.json:
            sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
        else:
            sys.stdout.write("\n".join(report_lines(report, parts=options.parts)) + "\n")
        return DONE
    names = chosen(options.figure, list(deployment.kpis.kpis))
    history = read_history(deployment.paths, options.last)
    sys.stdout.write(_json(history, names) if options.json else "\n".join(_text(history, names, options.figure)) + "\n")
    return DONE


def _json(history: History, names: tuple[str, ...]) -> str:
    shown = [
        {
            **{key: value for key, value in msgspec.to_builtins(one).items() if key not in ("columns",)},
            "shown": {name: series([one], name).last for name in names},
        }
        for one in history.kept
    ]
    return json.dumps({"figures": names, "damaged_lines": history.damaged, "validations": shown}) + "\n"


def _text(history: History, names: tuple[str, ...], asked: list[str]) -> list[str]:
    kept = history.kept
    if not kept:
        return [*_damage(history), "no validation is on record: abaco-ops validate"]
    found = [series(kept, name) for name in names]
    wide = [max(_LEAST, *(len(number(value)) for value in one.values)) for one in found]
    room = _WIDTH - len(_head([], []))
    if not asked:  # without a wish, what fits
        while sum(wide) + 2 * len(wide) > room and len(wide) > 1:
            wide.pop()
            found.pop()
    lines = [*_damage(history), _head(found, wide)]
    lines += [_row(one, [each.values[at] for each in found], wide) for at, one in enumerate(kept)]
    lines += ["", f"{'':16}{'last':>12}{'median':>12}{'least':>12}{'largest':>12}"]
    lines += [_usual(one) for one in (series(kept, name) for name in names)]
    trials = sum(not one.live for one in kept)
    beside = [f"* a trial on another tape than the live one: {trials}"] if trials else []
    return [*lines, "", "ok PASS, W WARN, F FAIL, E ERROR, - NOT RUN; validations REPORT shows one", *beside]


def _damage(history: History) -> list[str]:
    if not history.damaged:
        return []
    return [f"{history.damaged} lines of logs/validations.jsonl are damaged and passed over; nothing is pruned"]


def _head(found: list[Series], wide: list[int]) -> str:
    checks = "".join(f"{short:<5}" for short in SHORT.values())
    figures = "".join(f"  {one.name[:width]:>{width}}" for one, width in zip(found, wide, strict=True))
    return f"{'REPORT':<18}{'VERDICT':<9}{checks}{'OF':<5}{figures}"


def _row(one: Kept, values: list[float | None], wide: list[int]) -> str:
    name = one.report.rpartition("validation_")[2].removesuffix(".json")
    verdict = painted(f"{one.status:<7}", one.status)
    checks = "".join(f"{letter:<5}" for letter in letters(one))
    figures = "".join(f"  {number(value):>{width}}" for value, width in zip(values, wide, strict=True))
    of = f"{one.release or '?'}{'' if one.live else '*'}"
    return f"{name:<17} {verdict}  {checks}{of:<5}{figures}".rstrip()


def _usual(one: Series) -> str:
    usual = one.usual
    if usual is None:
        return f"{one.name:<16}  not measured"
    least, median, largest = usual
    return f"{one.name:<16}" + "".join(f"{number(value):>12}" for value in (one.last, median, least, largest))


def _count(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        found = 0
    if found < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of validations")
    return found
