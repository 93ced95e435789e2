"""`script/demo`: the whole system on a sample ledger. `--once` takes one hold through, checks it and cleans up."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from rich.text import Text

from credit.actors import OwnActor
from db import policies, policy_change
from db.act import Act
from db.engine import make_engine, transaction
from runtime.leaving import leave
from runtime.settings import Settings, default_data_dir
from services.netsuite.client import netsuite_client
from services.people.first_admin import LOGIN, PASSWORD_FILE
from starter.cli import spelling
from starter.cli.output import console, err
from starter.demo import sample_ledger
from starter.demo.after_conditions import Condition, check, check_released
from starter.stack.postgres import Postgres

_CUSTOMER = "1002"
_BEATS_LIMIT = 120.0  # seconds


class DemoError(RuntimeError):
    """A step failed; the text is what it said."""


class Hold:
    """The command `hold`, run as anybody would run it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def run(self, *arguments: str) -> Any:
        """Run one command; gives its JSON.

        Raises:
            DemoError: it did not exit with 0.
        """
        finished = self._start(*arguments, "--json", stdout=subprocess.PIPE)
        return json.loads(finished.stdout)

    def say(self, *arguments: str) -> None:
        """Run one command and let it speak for itself."""
        self._start(*arguments)

    def _start(self, *arguments: str, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "starter.cli", "--data-dir", str(self.data_dir), *arguments]
        finished = subprocess.run(command, check=False, stdout=stdout, text=True)
        if finished.returncode != 0:
            msg = f"`hold {' '.join(arguments)}` ended with {finished.returncode}"
            raise DemoError(msg)
        return finished


def demo(data_dir: Path) -> int:
    """Start everything, load a sample ledger into an empty one, propose holds, and say where to look."""
    hold = Hold(data_dir)
    hold.say("up", "--detach")
    today = datetime.now(UTC).date()
    if not hold.run("ar", "scan", "--dry-run")["candidates"] and not hold.run("list")["holds"]:
        _import_sample(hold, today)
    _hurry(data_dir)
    hold.say("ar", "scan")
    hold.say("list")
    proposed = [row["customer_id"] for row in hold.run("list")["holds"] if row["status"] == "proposed"]
    where = hold.run("status")
    _say_where(data_dir, where, proposed[0] if proposed else _CUSTOMER)
    return 0


def _say_where(data_dir: Path, where: dict[str, Any], customer: str) -> None:
    """Say what can be done now; the address and what to sign in with come last, and alone."""

    def command(*arguments: str) -> str:
        return spelling.hold(data_dir, *arguments)

    password = _first_password(data_dir)
    if password is None:
        sign_in = f"Sign in as {LOGIN} with the password that was chosen. Forgotten?"
        secret = command("user", "reset-password", LOGIN)
    else:
        sign_in, secret = f"Sign in as {LOGIN} with this password, once:", password
    console.print(
        Text(
            f"\nLook at a hold    {command('show', customer)}\n"
            f"Decide            {command('approve', customer)}\n"
            f"Break NetSuite    {command('demo', 'outage', 'on')}\n"
            f"Temporal Web UI   {where['temporal_ui']}\n"
            f"Mail sent         {where['mail_dir']}\n"
            f"Stop              {command('down')}\n"
            f"\nOpen {where['desk']}\n{sign_in}\n\n    {secret}\n"
        ),
        soft_wrap=True,
    )


def once() -> int:
    """Take one hold from a trigger to released on a stack of its own; 0 where every after-condition holds."""
    with tempfile.TemporaryDirectory(prefix="hold-demo-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        hold = Hold(Path(folder) / "data")
        try:
            hold.say("up", "--detach")
            conditions = list(_one_hold(hold))
        finally:
            hold.say("down")
            destroy(hold.data_dir)
    for condition in conditions:
        mark = ("✓ ", "green") if condition.holds else ("✗ ", "red")
        console.print(Text.assemble(mark, condition.name, (f"  ({condition.seen})", "dim")), soft_wrap=True)
    failed = [condition for condition in conditions if not condition.holds]
    console.print(f"{len(conditions) - len(failed)} of {len(conditions)} after-conditions hold")
    return 1 if failed else 0


def _one_hold(hold: Hold) -> list[Condition]:
    _import_sample(hold, datetime.now(UTC).date())
    proposed = hold.run("start", _CUSTOMER, "--reason", "a phone call revealed trouble")
    untouched = hold.run("show", _CUSTOMER)
    conditions = [
        Condition(
            "nothing happened before the approval",
            untouched["status"] == "proposed" and not untouched["messages"] and untouched["netsuite"]["value"] is None,
            f"{untouched['status']}, waiting on {untouched['waiting_on']}",
        )
    ]
    approve(hold, _CUSTOMER, "no payment in sight")
    wait_for(
        hold,
        _CUSTOMER,
        lambda seen: seen["status"] == "in_force" and {beat["status"] for beat in seen["beats"]} == {"done"},
    )
    settings = Settings(data_dir=hold.data_dir)
    where = hold.run("status")
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=2)
    with netsuite_client(settings) as netsuite:
        conditions += check(engine, netsuite, UUID(proposed["id"]), Path(where["mail_dir"]))
        conditions.append(_written(where["netsuite"], "ON"))
        hold.run("release", _CUSTOMER, "--reason", "paid in full")
        approve(hold, _CUSTOMER, "the bank confirmed it")
        wait_for(hold, _CUSTOMER, lambda seen: seen["status"] == "released")
        conditions += check_released(engine, netsuite, UUID(proposed["id"]))
        conditions.append(_written(where["netsuite"], "ON", "AUTO"))
    engine.dispose()
    return conditions


def approve(hold: Hold, customer: str, reason: str) -> None:
    """Claim and approve what is proposed for this customer."""
    revision = str(hold.run("claim", customer)["revision"])
    hold.run("approve", customer, "--reason", reason, "--yes", "--revision", revision)


def _written(sandbox: str, *values: str) -> Condition:
    """What NetSuite was told, by its own account."""
    ledger = httpx.get(f"{sandbox}/_sandbox/ledger", params={"customer": _CUSTOMER}).json()
    written = [row["body"]["creditHoldOverride"]["id"] for row in ledger if row["applied"]]
    return Condition(f"NetSuite was told {', then '.join(values)}, each once", written == list(values), f"{written}")


def wait_for(hold: Hold, customer: str, done: Callable[[Any], bool]) -> None:
    """Wait until `hold show` of this customer is as wanted; say so where it takes too long."""
    deadline = time.monotonic() + _BEATS_LIMIT
    while time.monotonic() < deadline:
        if done(hold.run("show", customer)):
            return
        time.sleep(0.2)
    err.print("The beats did not finish in time.")


def _import_sample(hold: Hold, today: date) -> None:
    file = hold.data_dir / "sample_ledger.csv"
    sample_ledger.write(file, today)
    hold.say("ar", "import", str(file))


def _hurry(data_dir: Path) -> None:
    """Let an approved notice leave after a minute: nobody waits ten at a demonstration."""
    engine = make_engine(Settings(data_dir=data_dir).database_url.get_secret_value(), pool_size=1)
    with transaction(engine) as session:
        version, policy = policies.current(session)
        if version == 1:
            changed = policy.model_copy(update={"notice_cooling_off": timedelta(minutes=1)})
            policy_change.change(Act(session, OwnActor.DEMO, datetime.now(UTC)), changed, note="a demonstration")
    engine.dispose()


def _first_password(data_dir: Path) -> str | None:
    """Return the first admin's one-time password; None once it was changed."""
    try:
        return (data_dir / PASSWORD_FILE).read_text().strip()
    except FileNotFoundError:
        return None


def destroy(data_dir: Path) -> None:
    """Delete the database of a stack that is down, wherever it lies."""
    Postgres(data_dir, 0).destroy()


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="headless, on a stack of its own, checked and cleaned up")
    arguments = parser.parse_args()
    try:
        return once() if arguments.once else demo(Path(os.environ.get("HOLD_DATA_DIR") or default_data_dir()))
    except DemoError as error:
        err.print(Text.assemble(("✗ ", "red"), str(error)), soft_wrap=True)
        return 1


if __name__ == "__main__":
    leave(main())
