"""A long run of the whole stack under random holds, events, outages and killed workflows; nothing may be left over.

    .venv/bin/python -m bench.soak --minutes 60 [--seed N] [--artifacts FOLDER]

Each second somebody does something: a hold is started, decided, undone, released; an event, an order, an edited or
approved notice, a retried beat, a scan. NetSuite is out now and then. Each minute one running workflow is terminated.
Every few minutes a worker of the next version, whose policy has one field more, joins the old one, a policy with that
field is put in force, and it leaves again while the old one is restarted. Every list is read all the time.

At the end the faults stop, and within `SETTLES`: `hold doctor --repair` finds nothing to mend, every outbox is empty,
the audit trail verifies, and no request was ever answered 500. Exit code 1 otherwise.
"""
# ruff: noqa: T201, S311 (it prints what happened; which of the actions comes next is no secret)

import argparse
import asyncio
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.orm import Session
from temporalio.client import Client
from temporalio.service import RPCError

from db.engine import make_engine, transaction
from runtime.settings import Settings
from runtime.temporal import connect
from services import outboxes

ROOT = Path(__file__).resolve().parent.parent
CUSTOMERS = 300
TERMINATE_EVERY = 60.0
DEPLOY_EVERY = 300.0
OUTAGE_EVERY = 200.0
SETTLES = 600.0
"""Seconds within which everything must have come to rest at the end."""
_IDS = r"[0-9a-f]{8}-[0-9a-f-]{27}"
_NEXT_FIELD = """
    of_the_next_version: Switch = setting(False, _LEDGER, "Of the next version", "Nothing older knows it.")
"""
_PAGES = ("/", "/customers", "/aging", "/drift", "/report", "/audit", "/settings", "/loads", "/people", "/tokens")


def next_version(folder: Path) -> Path:
    """Copy the product, and give its policy a field that this version does not know."""
    kept = shutil.ignore_patterns(".git", ".venv", "tests", "__pycache__", "*.png", "docs", ".*_cache")
    shutil.copytree(ROOT, folder, ignore=kept)
    policy = folder / "credit" / "policy.py"
    before = "    # Service-hold spec, trigger conditions"
    source = policy.read_text()
    if source.count(before) != 1:
        raise SystemExit(f"{policy} has changed: say anew where a field goes")
    policy.write_text(source.replace(before, f"{_NEXT_FIELD}\n{before}"))
    return folder


class Stack:
    """`hold up`, by the command line alone."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def hold(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "starter.cli", *arguments, "--data-dir", str(self.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    def needed(self, *arguments: str) -> str:
        done = self.hold(*arguments)
        if done.returncode:
            raise SystemExit(f"hold {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout


def write_ledger(path: Path, customers: list[str]) -> None:
    due = datetime.now(UTC).date() - timedelta(days=120)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            (
                "customer_id",
                "customer_name",
                "invoice_id",
                "due_date",
                "amount_open",
                "sales_rep_email",
                "customer_email",
            )
        )
        for number, customer in enumerate(customers):
            amount = "30000.00" if number % 2 else "12000.00"
            mail = (f"rep{number % 7}@sales.example.com", f"ap@{customer.lower()}.example.com")
            rows.writerow((customer, f"Soaked {number}", f"{customer}-1", due, amount, *mail))


class People:
    """Those who use the desk and the programs that send it events, all at random."""

    def __init__(self, desk: httpx.Client, chance: random.Random, customers: list[str]) -> None:
        self.desk, self.chance, self.customers = desk, chance, customers
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        paths = self.desk.get("/api/openapi.json").json()["paths"]
        lists = [path for path, operations in paths.items() if "get" in operations and "{" not in path]
        self.all_lists = [*lists, *_PAGES, "/api/holds?status=in_force", "/api/messages?status=sent"]
        self.broken: list[str] = []
        """Answers that must never be given: 500, or none."""
        self.actions: list[Callable[[], object]] = [
            *(self.start, self.start, self.decide, self.decide, self.decide, self.decide, self.release, self.release),
            *(self.pay, self.pay, self.dispute, self.promise, self.invoice, self.predict, self.order, self.letter),
            *(self.letter, self.retry, self.undo, self.lists, self.lists, self.case),
        ]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response | None:
        """Send one request; count its answer, and keep what must never be answered."""
        name = f"{method} {path.split('?', maxsplit=1)[0]}"
        try:
            answer = self.desk.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.broken.append(f"{datetime.now(UTC):%H:%M:%S} {name}: {error!r}")
            return None
        self.done[f"{method} {answer.status_code}"] += 1
        if answer.is_client_error:
            code = answer.json().get("code") if "json" in answer.headers["content-type"] else ""
            self.refused[f"{re.sub(_IDS, '…', name)}: {answer.status_code} {code}"] += 1
        if answer.status_code >= 500 and answer.status_code != 503:  # noqa: PLR2004 (503: come again, nothing is lost)
            self.broken.append(f"{datetime.now(UTC):%H:%M:%S} {name}: {answer.status_code} {answer.text[:300]}")
        return answer

    def somebody(self) -> str:
        return self.chance.choice(self.customers)

    def a_hold(self, *statuses: str) -> dict[str, Any] | None:
        answer = self.ask("GET", f"/api/holds?status={self.chance.choice(statuses)}")
        holds = answer.json()["holds"] if answer is not None and answer.is_success else []
        found: dict[str, Any] | None = self.chance.choice(holds) if holds else None
        return found

    def start(self) -> None:
        body = {"customer_id": self.somebody(), "trigger": "manual", "reason": "Soaked: does not answer the phone"}
        self.ask("POST", "/api/holds", body, **{"idempotency-key": str(uuid4())})

    def decide(self) -> None:
        """Claim what waits, a hold or a release, and decide it."""
        hold = self.a_hold("proposed", "proposed", "in_force", "applying")
        claim = self.ask("POST", f"/api/holds/{hold['id']}/claim") if hold else None
        if hold is None or claim is None or not claim.is_success:
            return
        held = claim.json()
        decision = self.chance.choices(("approve", "decline"), (4, 1))[0]
        body = {"claim": held["claim"], "revision": held["revision"], "decision": decision, "reason": "Soaked: decided"}
        self.ask("POST", f"/api/holds/{hold['id']}/decision", body)

    def undo(self) -> None:
        if hold := self.a_hold("proposed", "in_force", "applying"):
            self.ask("POST", f"/api/holds/{hold['id']}/undo", {"reason": "Soaked: wrong click"})

    def release(self) -> None:
        if hold := self.a_hold("in_force"):
            self.ask("POST", f"/api/holds/{hold['id']}/release", {"reason": "Soaked: promised by phone"})

    def retry(self) -> None:
        if hold := self.a_hold("applying", "releasing", "in_force"):
            beat = self.chance.choice(("push_netsuite", "flag_customer", "restore_netsuite"))
            self.ask("POST", f"/api/holds/{hold['id']}/beats/{beat}/retry", {"reason": "Soaked: again"})

    def letter(self) -> None:
        """Approve, discard, edit or recall a notice."""
        answer = self.ask("GET", "/api/messages")
        messages = answer.json()["messages"] if answer is not None and answer.is_success else []
        if not messages:
            return
        message = self.chance.choice(messages)
        path = f"/api/messages/{message['id']}"
        if message["status"] == "approved":
            self.ask("POST", f"{path}/recall", {"reason": "Soaked: not yet"})
            return
        claim = self.ask("POST", f"{path}/claim")
        if claim is None or not claim.is_success:
            return
        held = claim.json()
        verdict = self.chance.choices(("approve", "discard"), (4, 1))[0]
        body = {"claim": held["claim"], "revision": held["revision"], "decision": verdict, "reason": "Soaked: read"}
        self.ask("POST", f"{path}/decision", body)

    def event(self, kind: str, **payload: Any) -> None:
        """Send an event, sometimes twice."""
        name, body = str(uuid4()), {"customer_id": self.somebody(), **payload}
        for _ in range(self.chance.choice((1, 1, 2))):
            self.ask("POST", f"/api/events/{kind}", body, **{"idempotency-key": name})

    def pay(self) -> None:
        amount = self.chance.choice(("500.00", "12000.00", "30000.00", "90000.00"))
        today = datetime.now(UTC).date().isoformat()
        self.event("payment", payment_id=f"P-{uuid4()}", amount=amount, currency="USD", paid_on=today)

    def invoice(self) -> None:
        """Invoice somebody, mostly long overdue: causes come back."""
        due = datetime.now(UTC).date() - timedelta(days=self.chance.choice((-30, 40, 130, 130)))
        self.event("invoice", invoice_id=f"I-{uuid4()}", due_date=due.isoformat(), amount="28000.00", currency="USD")

    def dispute(self) -> None:
        customer = self.somebody()
        now = datetime.now(UTC).isoformat()
        self.event(
            "dispute",
            customer_id=customer,
            action="opened",
            invoice_id=f"{customer}-1",
            reason="wrong goods",
            opened_at=now,
        )

    def promise(self) -> None:
        day = (datetime.now(UTC).date() + timedelta(days=5)).isoformat()
        now = datetime.now(UTC).isoformat()
        self.event("promise-to-pay", amount="500.00", currency="USD", promised_for=day, made_by="Pat", made_at=now)

    def predict(self) -> None:
        now = datetime.now(UTC).isoformat()
        self.event("health-prediction", risk="high", score="0.91", model="soak", reason="orders fell", predicted_at=now)

    def order(self) -> None:
        lines = [{"quantity": "2", "unit_price": "450"}]
        self.ask("POST", "/api/orders", {"customer_id": self.somebody(), "lines": lines})

    def lists(self) -> None:
        for path in self.chance.sample(self.all_lists, 4):
            self.ask("GET", path)

    def case(self) -> None:
        """Open one hold, as page and as document."""
        if hold := self.a_hold("proposed", "in_force", "released", "declined"):
            self.ask("GET", f"/api/holds/{hold['id']}")
            self.ask("GET", f"/holds/{hold['id']}")


class Deploys:
    """Workers of the next version beside the stack's own."""

    def __init__(self, stack: Stack, settings: Settings, tree: Path, log: Path) -> None:
        self.stack, self.settings, self.tree, self.log = stack, settings, tree, log
        self.process: subprocess.Popen[bytes] | None = None
        self.count = 0

    def turn(self, people: People) -> None:
        """Bring the next version in, or take it back and restart the old one."""
        if self.process is None:
            self._join()
            self._save_its_policy()
            self.count += 1
        else:
            self.leave()
            worker = next(
                part for part in json.loads(self.stack.needed("status", "--json"))["parts"] if part["name"] == "worker"
            )
            if worker["pid"]:
                with suppress(ProcessLookupError):
                    os.kill(worker["pid"], signal.SIGTERM)
            people.done["worker restarted"] += 1

    def _environment(self) -> dict[str, str]:
        own = {"HOLD_DATA_DIR": str(self.stack.data_dir), "HOLD_WORKER_HEALTH_PORT": "0"}
        return dict(os.environ) | own

    def _join(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker"], cwd=self.tree, env=self._environment(), stdout=log, stderr=log
            )

    def leave(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(120)
            self.process = None

    def _save_its_policy(self) -> None:
        """Put a policy in force as the next version writes it, with the field that the old one does not know."""
        program = (
            "from datetime import UTC, datetime\n"
            "from db import policies, policy_change\n"
            "from db.act import Act\n"
            "from db.engine import make_engine, transaction\n"
            "from runtime.settings import Settings\n"
            "engine = make_engine(Settings().database_url.get_secret_value(), pool_size=1)\n"
            "with transaction(engine) as session:\n"
            "    row = policies.versions(session, limit=1)[0]\n"
            "    policy = policies.Policy.stored(row.settings)\n"
            "    policy = policy.model_copy(update={'of_the_next_version': not policy.of_the_next_version})\n"
            "    act = Act(session, 'mike', datetime.now(UTC))\n"
            "    policy_change.change(act, policy, note='Of the next version', changed=row.version)\n"
        )
        subprocess.run([sys.executable, "-c", program], cwd=self.tree, env=self._environment(), check=True)


async def terminate_one(client: Client, chance: random.Random) -> str | None:
    """End one running workflow of a hold or a message, as somebody in the Web UI would."""
    query = "ExecutionStatus = 'Running' AND WorkflowType IN ('ServiceHold', 'OutboundMessage')"
    running = [found async for found in client.list_workflows(query, limit=200)]
    if not running:
        return None
    victim = chance.choice(running)
    with suppress(RPCError):  # it ended by itself meanwhile
        await client.get_workflow_handle(victim.id, run_id=victim.run_id).terminate("the soak")
    return victim.id


@contextmanager
def reading(settings: Settings) -> Iterator[Session]:
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with transaction(engine) as session:
            yield session
    finally:
        engine.dispose()


def undelivered(settings: Settings) -> dict[str, int]:
    """Count the rows of each outbox whose effect is not there."""
    later = datetime.now(UTC) + timedelta(days=1)  # also what was tried just now
    with reading(settings) as session:
        found = {
            outbox.name: len(outbox.undelivered(session, now=later, resend_after=timedelta(0)))
            for outbox in outboxes.all_of(settings.task_queue)
        }
    return {name: count for name, count in found.items() if count}


def holds_by_status(settings: Settings) -> dict[str, int]:
    with reading(settings) as session:
        rows = session.execute(text("SELECT status, count(*) AS holds FROM holds GROUP BY status ORDER BY status"))
        return {row.status: row.holds for row in rows}


def _message_ids(mail: Path) -> Iterator[str]:
    for line in mail.read_text(errors="replace").splitlines():
        if line.lower().startswith("message-id:"):
            yield line
            return


def come_to_rest(stack: Stack, settings: Settings) -> list[str]:
    """Wait until nothing is under way; what is still wrong after `SETTLES`, in sentences."""
    until = time.monotonic() + SETTLES
    wrong = ["nothing was looked at"]
    while wrong and time.monotonic() < until:
        time.sleep(10)
        wrong = [f"not delivered: {count} of {name}" for name, count in undelivered(settings).items()]
        under_way = {
            status: count for status, count in holds_by_status(settings).items() if status in ("applying", "releasing")
        }
        wrong += [f"{count} holds are still {status}" for status, count in under_way.items()]
        if not wrong:
            done = stack.hold("doctor", "--repair", "--json")
            document = json.loads(done.stdout)
            wrong += [f"doctor: {check['name']}: {check['problem']}" for check in document["checks"] if not check["ok"]]
            findings = (document.get("repair") or {"findings": [{"problem": "no repair was made"}]})["findings"]
            wrong += [f"doctor: {finding}" for finding in findings]
    ids = [line for file in (stack.data_dir / "mail").glob("*.eml") for line in _message_ids(file)]
    wrong += [f"{name} left {count} times" for name, count in Counter(ids).items() if count > 1]
    drifted = json.loads(stack.needed("drift", "check", "--json"))
    wrong += [f"NetSuite says something else: {drifted}"] if drifted["differing"] or drifted["unheld"] else []
    verified = stack.hold("audit", "verify")
    if verified.returncode:
        wrong.append(f"audit verify: {verified.stdout}{verified.stderr}")
    return wrong


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder / "data")
    os.environ["HOLD_RECONCILE_MINUTES"] = "1"
    stack.needed("up", "--detach")
    try:
        yield stack
    finally:
        stack.hold("down")


def soak(stack: Stack, minutes: float, seed: int, folder: Path) -> int:
    chance = random.Random(seed)
    settings = Settings(data_dir=stack.data_dir)
    customers = [f"S{number:04}" for number in range(CUSTOMERS)]
    write_ledger(folder / "soak.csv", customers)
    stack.needed("ar", "import", str(folder / "soak.csv"))
    token = (stack.data_dir / "operator.token").read_text().strip()
    sandbox = httpx.Client(base_url=settings.netsuite_url, timeout=30)
    desk = httpx.Client(base_url=settings.desk_url, headers={"authorization": f"Bearer {token}"}, timeout=60)
    people = People(desk, chance, customers)
    deploys = Deploys(stack, settings, next_version(folder / "next"), folder / "next-worker.log")
    terminated = 0
    start = time.monotonic()
    due = {"terminate": start + TERMINATE_EVERY, "deploy": start + DEPLOY_EVERY / 3, "outage": start + OUTAGE_EVERY}
    said = start
    with asyncio.Runner() as runner:
        client = runner.run(connect(settings))
        while (now := time.monotonic()) < start + minutes * 60:
            chance.choice(people.actions)()
            time.sleep(chance.uniform(0.05, 0.6))
            if now >= due["terminate"]:
                due["terminate"] = now + TERMINATE_EVERY
                terminated += runner.run(terminate_one(client, chance)) is not None
            if now >= due["deploy"]:
                due["deploy"] = now + DEPLOY_EVERY / 2
                deploys.turn(people)
            if now >= due["outage"]:
                due["outage"] = now + OUTAGE_EVERY / 2
                out = people.done["outages"] % 2 == 0
                people.done["outages"] += 1
                if out:
                    sandbox.put("/_sandbox/faults", json={"outage": True})
                else:
                    faults = {"outage": False, "error_rate": 0.1, "commit_then_timeout_rate": 0.05}
                    sandbox.put("/_sandbox/faults", json=faults)
            if now >= said + 60:
                said = now
                print(
                    f"{(now - start) / 60:5.0f} min  {holds_by_status(settings)}  broken {len(people.broken)}",
                    flush=True,
                )
    sandbox.delete("/_sandbox/faults")
    deploys.leave()
    wrong = come_to_rest(stack, settings)
    people.lists()
    print(f"seed {seed}, {minutes:g} minutes, {terminated} terminated, {deploys.count} deploys")
    print("answers: " + ", ".join(f"{name} {count}" for name, count in sorted(people.done.items())))
    for name, count in sorted(people.refused.items()):
        print(f"  {count:5} {name}")
    print(f"holds: {holds_by_status(settings)}")
    for sentence in [*people.broken, *wrong]:
        print(f"WRONG {sentence}")
    return 1 if people.broken or wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="where the stack's folder is left; elsewhere it goes with the soak")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holds-soak-", ignore_cleanup_errors=True) as folder:
        place = options.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        Path(folder).chmod(0o711)
        with running(place) as stack:
            return soak(stack, options.minutes, options.seed, place)


if __name__ == "__main__":
    sys.exit(main())
