"""The complete stack: what survives down and up and the death of any part, and what every command answers."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from starter.demo import sample_ledger
from tests.stack.helpers import kill_part, processes_of, raw_record, restarted, wait_until
from tests.whole.conftest import Hold


@pytest.fixture(scope="module")
def ledger(hold: Hold) -> Hold:
    """The stack with the sample ledger in it."""
    file = hold.data_dir / "ledger.csv"
    sample_ledger.write(file, datetime.now(UTC).date())
    hold("ar", "import", str(file))
    return hold


def test_status_names_every_service(hold: Hold) -> None:
    status = hold.json("status")
    assert {part["name"] for part in status["parts"]} == {"postgres", "temporal", "netsuite", "mail", "worker", "desk"}
    assert all(part["state"] == "running" for part in status["parts"])
    assert httpx.get(status["temporal_ui"], trust_env=False, follow_redirects=True).is_success
    assert Path(status["mail_dir"]).is_dir()
    assert status["postgres"].startswith("postgresql+psycopg://")


def test_doctor_finds_everything_well(hold: Hold) -> None:
    checks = hold.json("doctor")["checks"]
    assert [check["name"] for check in checks if not check["ok"]] == []


def test_hold_goes_from_start_to_in_force_by_command_alone(ledger: Hold) -> None:
    started = ledger.json("start", "1012", "--reason", "their bank called")
    assert (started["customer_id"], started["created"], started["status"], started["revision"]) == (
        "1012",
        True,
        "proposed",
        1,
    )
    again = ledger.json("start", "1012", "--reason", "and again")
    assert (again["id"], again["created"]) == (started["id"], False)
    assert [row["id"] for row in ledger.json("list")["holds"]] == [started["id"]]
    claim = ledger.json("claim", "1012")
    decided = ledger.json("approve", started["id"], "--reason", "agreed", "--yes", "--revision", str(claim["revision"]))
    assert decided["status"] == "approved"
    wait_until(lambda: {beat["status"] for beat in ledger.json("show", "1012")["beats"]} == {"done"})
    assert ledger.json("show", "1012")["netsuite"]["value"] == "ON"
    assert "nothing to decide" in ledger("decline", "1012", "--reason", "x", "--yes", "--revision", "1", code=1).stderr


def test_declined_hold_leaves_the_customer_alone(ledger: Hold) -> None:
    ledger.json("start", "1011", "--reason", "a rumour")
    assert ledger.json("decline", "1011", "--reason", "not due", "--yes", "--revision", "1")["status"] == "declined"
    wait_until(lambda: ledger.json("show", "1011")["status"] == "declined")
    assert ledger.json("list", "--status", "declined")["holds"][0]["customer_id"] == "1011"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("start", "nobody", "--reason", "x"), 1, "hold ar import"),
        (("show", "nobody"), 1, "hold list"),
        (("start", "1001", "--reason", " "), 2, "say why"),
        (("approve", "1001", "--yes", "--reason", "x"), 2, "--revision"),
        (("approve", "1001", "--reason", "x"), 2, "--yes"),
        (("retry", "1001"), 1, "no hold matches"),
        (("list", "--status", "odd"), 2, "odd"),
        (("ar", "schedule", "--cron", "every day"), 1, "cron"),
        (("ar", "schedule", "--tz", "Mars/Base"), 1, "Mars/Base"),
    ],
)
def test_bad_input_is_told_what_to_do(ledger: Hold, arguments: tuple[str, ...], code: int, says: str) -> None:
    assert says in ledger(*arguments, code=code).stderr


def test_roles_are_checked(ledger: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ledger.json("token", "create", "--name", "vera", "--role", "viewer")
    assert (made["name"], made["role"]) == ("vera", "viewer")
    monkeypatch.setenv("HOLD_TOKEN", made["token"])
    ledger.json("list")
    assert "viewer" in ledger("start", "1001", "--reason", "x", code=1).stderr
    assert "viewer" in ledger("token", "create", "--name", "v2", "--role", "admin", code=1).stderr
    monkeypatch.setenv("HOLD_TOKEN", "invented")
    assert "token" in ledger("list", code=1).stderr


def test_pause_of_the_schedule_outlives_a_worker(ledger: Hold) -> None:
    assert not ledger.json("ar", "schedule", "show")["paused"]
    ledger.json("ar", "schedule", "--cron", "30 5 * * 1-5", "--tz", "Europe/Oslo")
    ledger.json("ar", "schedule", "pause", "--reason", "stocktaking")
    killed = kill_part(ledger.data_dir, "worker")
    wait_until(lambda: restarted(ledger.data_dir, "worker", killed))

    shown = ledger.json("ar", "schedule", "show")

    assert (shown["cron"], shown["time_zone"], shown["paused"]) == ("30 5 * * 1-5", "Europe/Oslo", True)
    assert "stocktaking" in shown["note"]
    assert not ledger.json("ar", "schedule", "resume")["paused"]
    ledger.json("ar", "schedule", "run")
    wait_until(lambda: ledger.json("ar", "schedule", "show")["recent_runs"])


def kept(ledger: Hold) -> object:
    """A hold as it must stay; the hourly check may read NetSuite back at any moment, and what it lets through."""
    shown = ledger.json("show", "1012")
    del shown["netsuite"]["read_back_at"], shown["netsuite"]["gaps"]
    return shown


@pytest.mark.parametrize("part", ["postgres", "temporal", "netsuite", "mail", "worker", "desk"])
def test_data_survives_the_death_of_each_part(ledger: Hold, part: str) -> None:
    before = kept(ledger)
    killed = kill_part(ledger.data_dir, part)
    wait_until(lambda: restarted(ledger.data_dir, part, killed))
    assert kept(ledger) == before
    assert part in (ledger.data_dir / "logs" / "supervisor.log").read_text()


def test_everything_survives_down_and_up_and_nothing_runs_in_between(ledger: Hold) -> None:
    before = kept(ledger)
    ledger("down")
    assert processes_of(ledger.data_dir) == []
    assert "cannot reach" in ledger("list", code=3).stderr
    ledger("up", "--detach")
    assert kept(ledger) == before
    assert ledger.json("start", "1012", "--reason", "still alive?")["created"] is False


def test_second_up_says_so(hold: Hold) -> None:
    assert "already" in hold("up", "--detach").stderr


def test_no_process_needs_sigkill_to_go(hold: Hold) -> None:
    """`down` right after is what the fixture does; here: the supervisor dies of SIGTERM by itself."""
    os.kill(raw_record(hold.data_dir)["supervisor"]["pid"], signal.SIGTERM)
    wait_until(lambda: processes_of(hold.data_dir) == [])
