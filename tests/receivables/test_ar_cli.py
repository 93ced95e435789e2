"""`hold ar` as a program: what it prints and how it exits."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from credit.permissions import Role
from runtime.settings import Settings
from starter.cli import run
from starter.cli.output import SafeConsole
from tests.acting import made_token
from tests.desk.server import DeskServer
from tests.netsuite.sandbox_server import SandboxServer
from tests.patience import PATIENCE
from tests.receivables.files import EXPORT, EXPORT_MAPPING, ledger, needs_export, rows, write_rows


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Hold = Callable[..., Done]


@pytest.fixture
def environment(database_url: str, engine: Engine, tmp_path: Path) -> dict[str, str]:
    token = made_token(engine, "robin", Role.ADMIN)
    return {
        "HOLD_DATABASE_URL": database_url,
        "HOLD_TOKEN": token,
        "HOLD_DATA_DIR": str(tmp_path / "none"),
        "COLUMNS": "200",
    }


@pytest.fixture
def hold(
    environment: dict[str, str], engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Hold]:
    """The command on the machine of the database, which is also the desk's."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str | Path) -> Done:
        code = run([str(one) for one in arguments])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    with DeskServer(Settings(temporal_address="127.0.0.1:1")) as desk:
        monkeypatch.setenv("HOLD_DESK_URL", desk.url)
        yield call


@needs_export
def test_import_and_dry_run(hold: Hold, engine: Engine) -> None:
    mapping = [f"--map={canonical}={column}" for canonical, column in EXPORT_MAPPING.items()]
    done = hold("ar", "import", EXPORT, *mapping, "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["rows"], report["customers"], report["imported"]) == (3656, 351, True)
    assert rows(engine, "SELECT actor FROM imports") == [("robin",)]

    done = hold("ar", "scan", "--as-of", "2020-06-30", "--dry-run", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert list(answer) == ["as_of", "candidates"]
    assert (answer["as_of"], len(answer["candidates"])) == ("2020-06-30", 130)
    first = answer["candidates"][0]
    assert list(first) == ["customer_id", "customer_name", "total_open", "days_overdue", "warnings", "prior_holds"]
    assert isinstance(first["total_open"], str)
    assert rows(engine, "SELECT * FROM holds") == []


def test_bad_rows_exit_1_and_are_listed(hold: Hold, tmp_path: Path) -> None:
    file, bad = tmp_path / "ledger.csv", tmp_path / "bad.csv"
    file.write_text(ledger("A,Acme,0,2020-01-01,1", *(f"A,[red]Acme,{n},2020-01-01,[x]\x1b" for n in range(1, 61))))
    done = hold("ar", "import", file, "--bad-rows-to", bad)
    assert done.code == 1
    assert done.out == ""
    assert "line 3, amount_open: not an amount" in done.err
    assert "[x]\\x1b" in done.err
    assert "\x1b" not in done.err
    assert "… and 10 more" in done.err
    assert "60 of 61 rows are bad" in done.err
    with bad.open(newline="") as lines:
        assert [row["line"] for row in csv.DictReader(lines)] == [str(line) for line in range(3, 63)]
    done = hold("ar", "import", file, "--skip-bad")
    assert done.code == 0, done.err
    assert "60 bad rows left out" in done.err
    table = hold("ar", "scan", "--dry-run", "--as-of", "2020-06-30")
    assert (table.code, table.out) == (0, "")


def test_a_table_of_candidates(hold: Hold, tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(ledger("A,[b]Acme,1,2020-01-01,1234567.5,yes", extra="disputed"))
    assert hold("ar", "import", file).code == 0
    done = hold("ar", "scan", "--dry-run", "--as-of", "2020-06-30")
    assert "[b]Acme" in done.out
    assert "1,234,567.50" in done.out
    assert "181 d" in done.out
    assert "1 open dispute, 1,234,567.50 USD disputed" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["FILE", "--map", "custmer=x"], "unknown column custmer"),
        (["FILE", "--map", "customer_id"], "name=value"),
        (["FILE", "--map", "due_date=x"], "the file has: customer_id"),
        (["FILE", "--rate", "EUR=x"], "give a number"),
        (["FILE", "--rate", "USD=2"], "no rate for USD"),
        (["FILE", "--as-of", "30.6.2020"], "--as-of"),
        (["absent.csv"], "absent.csv"),
        (["FILE", "--full", "--skip-bad"], "would read as a closed invoice"),
        (["FILE", "--close-missing", "1"], "only with --full"),
        (["FILE", "--bad-rows-to", "FILE"], "would overwrite the file"),
    ],
)
def test_usage_errors_exit_2(hold: Hold, tmp_path: Path, arguments: list[str], said: str) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(ledger("A,Acme,1,2020-01-01,1"))
    done = hold("ar", "import", *(str(file) if one == "FILE" else one for one in arguments))
    assert done.code == 2, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert file.read_text() == ledger("A,Acme,1,2020-01-01,1")


def test_a_full_import_refuses_says_how_and_does_as_told(hold: Hold, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(ledger(*(f"A,Acme,{number},2020-01-01,1000" for number in range(3))))
    assert hold("ar", "import", file, "--full").code == 0
    file.write_text(ledger("A,Acme,0,2020-01-01,1000", "B,Bolt,9,,-5"))
    refused = hold("ar", "import", file, "--full")
    assert (refused.code, refused.out) == (1, "")
    assert "refused: the file leaves out 2 of 3 open items, 2,000.00 of 3,000.00 USD" in refused.err
    assert "--close-missing 2. Nothing was imported." in refused.err
    assert rows(engine, "SELECT count(*) FROM customers") == [(1,)]
    as_json = hold("ar", "import", file, "--full", "--close-missing=1", "--json")
    assert (as_json.code, json.loads(as_json.out)["imported"]) == (1, False)
    assert "not 1." in json.loads(as_json.out)["refusal"]
    done = hold("ar", "import", file, "--full", "--close-missing", "2")
    assert done.code == 0, done.err
    assert "2 items missing from the file and closed: 2,000.00 in all" in done.err
    again = json.loads(hold("ar", "import", file, "--full", "--json").out)
    assert (again["invoices_closed"], again["credits_closed"], again["amount_closed"]) == (0, 0, "0.00")
    file.write_text(ledger("A,Acme,0,2020-01-01,x"))
    assert "--skip-bad" not in hold("ar", "import", file, "--full").err


def test_the_last_line_gives_the_rate_and_a_terminal_a_bar(
    hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_rows(tmp_path / "ledger.csv", 2500, customers=10)
    for more in ([], ["--json"]):
        done = hold("ar", "import", file, *more)
        assert re.fullmatch(r"2,500 rows in [0-9.]+ s \([0-9,]+ rows/s\)", done.err.splitlines()[-1])
        assert "reading" not in done.err
    screen = io.StringIO()
    monkeypatch.setattr("starter.cli.local.ledger_import.err", SafeConsole(file=screen, force_terminal=True, width=120))
    hold("ar", "import", file)
    assert "ledger.csv: merging" in screen.getvalue()
    assert re.search(r"2,500 rows, [0-9,]+ rows/s", screen.getvalue())


def test_a_spreadsheet_calculates_nothing_in_the_bad_rows(hold: Hold, tmp_path: Path) -> None:
    file, bad = tmp_path / "ledger.csv", tmp_path / "bad.csv"
    cells = ["=1+1", "+x", "-x", "@SUM(A1)", " =1+1", "＝1", "x=1"]
    header = "customer_id,invoice_id,due_date,=amount\n"
    file.write_text(header + "".join(f"A,{number},2020-01-01,{cell}\n" for number, cell in enumerate(cells)))
    assert hold("ar", "import", file, "--map", "amount_open==amount", "--bad-rows-to", bad).code == 1
    with bad.open(newline="") as lines:
        written = list(csv.DictReader(lines))
    assert [row["value"] for row in written] == [*(f"'{cell}" for cell in cells[:-1]), "x=1"]
    assert {row["column"] for row in written} == {"'=amount"}
    assert [row["line"] for row in written] == [str(line) for line in range(2, 9)]


def test_no_database_exits_3(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(ledger("A,Acme,1,2020-01-01,1"))
    nowhere = {"HOLD_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"}
    done = subprocess.run(
        [sys.executable, "-m", "starter.cli", "ar", "import", str(file)],
        capture_output=True, text=True, timeout=PATIENCE, check=False, env=os.environ | environment | nowhere,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr


def test_the_embedded_sandbox_learns_the_customers(
    hold: Hold, sandbox: SandboxServer, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = Path(environment["HOLD_DATA_DIR"])
    data_dir.mkdir()
    stack = {"embedded": True, "netsuite_url": sandbox.url}
    (data_dir / "stack.json").write_text(json.dumps({"settings": stack}))
    asked: list[httpx.Request] = []
    send = httpx.Client.send
    monkeypatch.setattr(
        httpx.Client, "send", lambda self, request, **how: asked.append(request) or send(self, request, **how)
    )
    file = tmp_path / "ledger.csv"
    file.write_text(ledger("cli-A,Acme,1,2020-01-01,1,cli-N9", "cli-B,Bolt,2,2020-01-01,1,", extra="netsuite_id"))
    assert hold("ar", "import", file).code == 0
    (request,) = asked
    assert (request.method, request.url.path) == ("PUT", "/_sandbox/customers")
    assert json.loads(request.content) == [
        {"id": "cli-N9", "externalId": "cli-A", "companyName": "Acme"},
        {"id": "cli-B", "externalId": "cli-B", "companyName": "Bolt"},
    ]
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("HOLD_NETSUITE_URL", "http://127.0.0.1:1")
        assert hold("ar", "import", file).code == 0, "a NetSuite that is not the stack's own is left alone"
    (data_dir / "stack.json").write_text(json.dumps({"settings": stack | {"netsuite_url": "http://127.0.0.1:1"}}))
    done = hold("ar", "import", file)
    assert done.code == 3
    assert "imported, but the NetSuite sandbox does not know the customers" in done.err
