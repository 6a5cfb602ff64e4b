"""``abaco-ops kpi``: the table a person reads, and the JSON a script reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tapes import reference, row, write

from engine.cli import frame
from engine.config import Deployment


@pytest.fixture
def kpi(deployment: Deployment, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs the command and returns exit code, stdout, stderr."""

    def command(*words: object) -> tuple[int, str, str]:
        try:
            code = frame.main(["--root", str(deployment.root), "kpi", *map(str, words)], lambda root, read_only: 9)
        except SystemExit as refused:
            code = int(refused.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_the_table_shows_value_tier_and_whom_to_tell(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    reference().to_csv(tmp_path / "tape.csv", index=False)
    code, out, _ = kpi(tmp_path / "tape.csv")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "undated 500 rows no nulls no duplicates" in lines
    assert "PAR30 11.58 % CRITICAL above 8, tell CRO" in lines
    assert "PAR90 6.08 % CRITICAL above 5, tell CRO" in lines
    assert "Collection 29.11 % ok warning below 1.5" in lines
    assert "Health 10.00 ok warning below 5; held to 0-10, unheld 25.74" in lines
    assert "\x1b" not in out


def test_json_holds_full_precision_and_the_documented_keys(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    reference().to_csv(tmp_path / "tape.csv", index=False)
    answer = json.loads(kpi(tmp_path / "tape.csv", "--json")[1])
    assert answer["kpis"]["PAR30"] == {
        "value": pytest.approx(11.582404478471114, abs=1e-12),
        "unit": "%",
        "status": "CRITICAL",
        "reason": None,
    }
    assert answer["kpis"]["PortfolioHealth"]["unheld"] == pytest.approx(25.739332334924697, abs=1e-9)
    assert (answer["measurement_date"], answer["rows"], answer["engine"]) == (None, 500, "pandas")
    assert "by" not in answer


def test_the_trend_has_a_line_for_every_date_with_now_last(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    rows = [row(date=date) for date in ("2025-12-31", "2025-10-31", "2025-11-30")]
    path = write(tmp_path / "tape.csv", rows)
    code, out, _ = kpi(path, "--by", "measurement_date")
    assert code == 0
    dated = [line.split()[0] for line in out.splitlines() if line.strip().startswith("2025")]
    assert dated == ["2025-10-31", "2025-11-30", "2025-12-31"]
    answer = json.loads(kpi(path, "--by", "measurement_date", "--json")[1])
    assert [group["measurement_date"] for group in answer["by"]] == dated
    assert answer["by"][-1]["kpis"] == answer["kpis"]


def test_amounts_finer_than_cents_are_told(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "tape.csv", [row("L1", cash_available="0.005"), row("L2")])
    assert "Values finer than 2 decimals, added up exactly too: cash_available_usd 1." in kpi(path)[1]
    assert json.loads(kpi(path, "--json")[1])["finer_by_column"] == {"cash_available_usd": 1}
    assert "Values finer" not in kpi(write(tmp_path / "tape.csv", [row("L1")]))[1]


def test_dates_added_up_are_asked_for_and_labelled(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "tape.csv", [row("L1"), row("L1", "2025-11-30", dpd_90_plus="45")])
    assert "2 dates added up    2 rows" in kpi(path, "--pooled")[1]
    answer = json.loads(kpi(path, "--pooled", "--json")[1])
    assert (answer["pooled_dates"], answer["rows"], answer["kpis"]["PAR90"]["value"]) == (2, 2, 2.5)
    assert "pooled_dates" not in json.loads(kpi(path, "--json")[1])
    assert kpi(path, "--pooled", "--by", "measurement_date")[0] == 2


def test_a_streamed_tape_says_what_was_not_looked_at(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "tape.csv", [row("L1"), row("L1")])
    code, out, _ = kpi(path, "--engine", "arrow")
    assert code == 0
    assert "duplicates not counted (see --duplicates)" in out
    assert "1 duplicate" in kpi(path, "--engine", "arrow", "--duplicates")[1]
    streamed, whole = (json.loads(kpi(path, "--engine", name, "--json")[1]) for name in ("arrow", "pandas"))
    assert (streamed["engine"], streamed["duplicates"], whole["duplicates"]) == ("arrow", None, 1)
    assert "discounted_balance_usd" not in streamed["columns_read"]
    for key in ("kpis", "rows", "tape_sha256", "measurement_date"):
        assert streamed[key] == whole[key]


def test_sql_gives_the_same_answer_and_says_what_it_did_not_read(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("duckdb")
    path = write(tmp_path / "tape.csv", [row("L1"), row("L2", cash_available="12.5")])
    code, out, err = kpi(path, "--engine", "duckdb")
    assert (code, err, out) == (0, "", kpi(path, "--engine", "arrow")[1])
    assert json.loads(kpi(path, "--engine", "duckdb", "--json")[1])["engine"] == "duckdb"
    path = write(tmp_path / "tape.csv", [row("L1"), row("L2", cash_available="(12.00)")])
    code, out, err = kpi(path, "--engine", "duckdb")
    assert (code, out) == (0, kpi(path, "--engine", "arrow")[1])
    assert "some columns were read by the engine arrow" in err


def test_sql_without_duckdb_is_a_sentence_and_exit_2(tmp_path: Path, kpi, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(sys.modules, "duckdb", None)
    code, out, err = kpi(write(tmp_path / "tape.csv", [row()]), "--engine", "duckdb")
    assert (code, out) == (2, "")
    assert "DuckDB, which is not installed" in err
    assert "pip install 'abaco-ops[duckdb]'" in err


def test_the_trend_shows_what_a_held_value_was(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "tape.csv", [row(cash_available="900")])
    assert "2025-12-31: Health held to 10, unheld 96.50" in kpi(path, "--by", "measurement_date")[1]


def test_an_undefined_kpi_says_why(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "tape.csv", [row(total_receivable="0")])
    code, out, _ = kpi(path)
    assert code == 0
    assert "sum(total_receivable_usd) is 0" in out
    assert json.loads(kpi(path, "--json")[1])["kpis"]["PAR30"]["value"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "measurement_date"], "no column measurement_date"),
        (["--by", "loan_id"], "tapes are dated by measurement_date"),
        (["--engine", "abacus"], "abacus"),
    ],
)
def test_what_cannot_be_done_is_refused_with_exit_2(tmp_path: Path, kpi, words: list[str], said: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = kpi(write(tmp_path / "tape.csv", [row(date=None)]), *words)
    assert (code, out) == (2, "")
    assert said in err


def test_no_tape_is_a_sentence_and_exit_2(tmp_path: Path, kpi) -> None:  # type: ignore[no-untyped-def]
    code, _, err = kpi(tmp_path / "missing.csv")
    assert code == 2
    assert "missing.csv cannot be read: No such file" in err
    assert "Traceback" not in err


def test_without_a_tape_it_reads_the_live_one(deployment: Deployment, kpi) -> None:  # type: ignore[no-untyped-def]
    deployment.tape.parent.mkdir(parents=True, exist_ok=True)
    reference().to_csv(deployment.tape, index=False)
    code, out, _ = kpi()
    assert code == 0 and str(deployment.tape) in out and "500 rows" in out


def test_the_playbooks_that_are_shipped_name_no_tape_of_their_own(deployment: Deployment) -> None:
    run = [word for one in deployment.monitoring.conditions.values() if one.playbook for word in one.playbook.run]
    assert "abaco-ops kpi" in run and not any("loan_tape" in word for word in run)
