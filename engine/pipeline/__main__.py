"""``python -m engine.pipeline serve | kpi | selftest | verify``: the programs of a release."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import CHECK_FAILED, DONE, REFUSED, OpsError, Refused
from engine.pipeline.figures import Program, TapeUnreadable
from engine.pipeline.stop_request import StopRequest


class _WithoutPandas:
    """Keeps pyarrow from importing pandas for every list it converts: 60 MB and 0.4 s that no run here needs."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Refuse pandas; leave every other module to the finders behind."""
        if name == "pandas":
            raise ModuleNotFoundError("the sample pipelines do without pandas", name=name)


def main(arguments: Sequence[str]) -> int:
    """Run one program of a release and return its exit code."""
    options = _options(arguments)
    try:
        program = release_program(options.release)
        if options.program == "kpi":
            return _kpi(program, options.tapes, options.decimals)
        if options.program == "selftest":
            from engine.pipeline.selftest import run_selftest

            return DONE if run_selftest(program) else CHECK_FAILED
        return _verify(program, options.root, options.json) if options.program == "verify" else _serve(program, options)
    except OpsError as error:
        sys.stderr.write(f"{options.release}: {error}\n")
        return REFUSED


def release_program(name: str) -> Program:
    """The program of a release; only its own modules are loaded."""
    if name == "v1":
        from engine.pipeline.v1 import V1

        return V1()
    if name == "v2":
        from engine.pipeline.v2 import V2

        return V2()
    raise Refused(f"there is no sample pipeline {name!r}", "v1 or v2")


def _serve(program: Program, options: argparse.Namespace) -> int:
    stop = StopRequest()
    from engine.pipeline.serve import serve
    from engine.pipeline.settings import read_settings

    return serve(read_settings(options.root, program.name), program, stop)


def _verify(program: Program, root: Path, as_json: bool) -> int:
    from engine.pipeline.proof import verify
    from engine.pipeline.settings import read_settings

    status, issues = verify(read_settings(root, program.name), program)
    if as_json:
        print(json.dumps({"status": status, "issues": issues}))
    else:
        print("\n".join([f"{program.name} verify: {status}", *(f"  {issue}" for issue in issues)]))
    return CHECK_FAILED if status == "FAIL" else DONE


def _kpi(program: Program, tapes: Sequence[Path], decimals: int | None) -> int:
    """One JSON line for each tape; a tape that cannot be read is an answer too."""
    from engine.pipeline.answers import figures_json
    from engine.pipeline.tape_file import open_tape

    published = program.decimals if decimals is None else decimals
    for path in tapes:
        try:
            with open_tape(path) as tape:
                figures = program.compute(tape.stream, path.name, decimals=published, between=lambda: None)
        except TapeUnreadable as error:
            answer = {"tape": str(path), "error": error.what, "kpis": {}}
        else:
            answer = {"tape": str(path), **figures_json(figures)}
        print(json.dumps(answer), flush=True)
    return DONE


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="engine.pipeline")
    programs = parser.add_subparsers(dest="program", required=True)
    for name in ("serve", "verify"):
        rooted = programs.add_parser(name)
        rooted.add_argument("--root", type=Path, required=True)
    programs.choices["verify"].add_argument("--json", action="store_true")
    kpi = programs.add_parser("kpi")
    kpi.add_argument("--decimals", type=int)
    kpi.add_argument("tapes", nargs="*", type=Path)
    programs.add_parser("selftest")
    for program in programs.choices.values():
        program.add_argument("--release", required=True)
    return parser.parse_args(list(arguments))


if __name__ == "__main__":
    sys.meta_path.insert(0, _WithoutPandas)
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is written and synced; tearing down pyarrow's threads has aborted a program that was done
