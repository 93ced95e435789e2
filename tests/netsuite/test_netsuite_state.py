"""What the sandbox keeps: through kill -9, against rewriting, and in bulk; and how it starts and stops."""

import signal
import sqlite3
import stat
import subprocess
import sys

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netsuite.client import CreditHoldOverride, NetSuiteClient
from netsuite.sandbox import keys
from netsuite.sandbox.app import Settings, application
from netsuite.sandbox.store import FILE_NAME
from netsuite.sandbox.tokens import Integration, public_key
from tests.netsuite.sandbox_server import CERTIFICATE_ID, CLIENT_ID
from tests.patience import PATIENCE

ON = CreditHoldOverride.ON


@pytest.fixture
def own_client(own_sandbox, credentials):
    with NetSuiteClient(own_sandbox.url, credentials) as client:
        yield client


def test_state_and_ledger_survive_a_kill_and_faults_do_not(own_sandbox, own_client):
    own_sandbox.seed([{"id": "1", "externalId": "C-1", "companyName": "Kept"}])
    own_client.set_credit_hold_override("1", ON)
    before = own_sandbox.ledger("1")
    own_sandbox.faults(outage=True)
    assert own_sandbox.stop(signal.SIGKILL) == -signal.SIGKILL
    own_sandbox.start()
    assert own_client.read_customer("1").credit_hold_override is ON
    assert own_client.read_customer("eid:C-1").company_name == "Kept"
    assert own_sandbox.ledger("1") == before
    assert len(before) == 1
    own_client.set_credit_hold_override("1", CreditHoldOverride.AUTO)
    assert own_sandbox.ledger("1")[:1] == before


def test_the_ledger_is_append_only(own_sandbox, own_client):
    own_sandbox.seed([{"id": "1"}])
    own_client.set_credit_hold_override("1", ON)
    with sqlite3.connect(own_sandbox.state / FILE_NAME) as db:
        db.execute("PRAGMA recursive_triggers = ON")
        for statement in (
            "UPDATE ledger SET applied = 0",
            "DELETE FROM ledger",
            "REPLACE INTO ledger (seq, at, method, path, body, applied) VALUES (1, '', '', '', '', 0)",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
    db.close()
    assert len(own_sandbox.applied("1")) == 1


def test_the_ledger_takes_either_id(sandbox, client, customer):
    client.set_credit_hold_override(customer, ON)
    rows = sandbox.ledger(customer)
    assert len(rows) == 1
    assert sandbox.ledger(f"X-{customer}") == rows
    assert sandbox.ledger(f"eid:X-{customer}") == rows
    assert sandbox.ledger("never addressed") == []


def test_an_internal_id_that_is_somebody_elses_external_id_stays_apart(sandbox, client):
    sandbox.seed([{"id": "71", "externalId": "72"}, {"id": "72", "externalId": "73"}])
    client.set_credit_hold_override("71", ON)
    client.set_credit_hold_override("72", CreditHoldOverride.OFF)
    (row,) = sandbox.ledger("72")
    assert row["body"]["creditHoldOverride"]["id"] == "OFF"
    (row,) = sandbox.ledger("eid:72")
    assert row["body"]["creditHoldOverride"]["id"] == "ON"


def test_an_external_id_moves_with_a_new_import(sandbox, client):
    sandbox.seed([{"id": "M-1", "externalId": "M-1"}])
    assert sandbox.seed([{"id": "8001", "externalId": "M-1"}]).status_code == 200
    client.set_credit_hold_override("8001", ON)
    assert client.read_customer("eid:M-1").netsuite_id == "8001"
    assert len(sandbox.ledger("M-1")) == len(sandbox.ledger("8001")) == 1


def test_seeding_keeps_what_it_does_not_name(sandbox, client, customer):
    client.set_credit_hold_override(customer, ON)
    sandbox.seed([{"id": customer, "companyName": "Renamed"}])
    record = client.read_customer(f"eid:X-{customer}")
    assert (record.credit_hold_override, record.company_name) == (ON, "Renamed")
    sandbox.seed([{"id": customer, "creditHoldOverride": {"id": "OFF"}}])
    assert client.read_customer(customer).credit_hold_override is CreditHoldOverride.OFF
    assert len(sandbox.ledger(customer)) == 1  # seeding is not a write of the record API


@pytest.mark.parametrize(
    "customers",
    [
        [{"externalId": "no id"}],
        [{"id": ""}],
        [{"id": "1", "creditHoldOverride": "PERHAPS"}],
        [{"id": "1", "credit_hold": True}],
        [{"id": "eid:1"}],
        {"id": "1"},
    ],
    ids=str,
)
def test_a_wrong_seed_is_refused_whole(sandbox, customers):
    assert sandbox.seed(customers).status_code == 422


def test_two_customers_cannot_share_an_external_id(sandbox, client, customer):
    answer = sandbox.seed([{"id": "same-1", "externalId": "same"}, {"id": "same-2", "externalId": "same"}])
    assert answer.status_code == 409
    assert sandbox.ledger("same-1") == []


def test_a_hundred_thousand_customers_go_in_at_once(own_sandbox, own_client):
    customers = [{"id": n, "externalId": f"C-{n}", "companyName": f"Company {n}"} for n in range(100_000)]
    assert own_sandbox.seed(customers).json() == {"customers": 100_000}
    assert own_client.read_customer("eid:C-99999").company_name == "Company 99999"


def test_sigterm_is_a_clean_stop(own_sandbox, own_client):
    own_client.probe()
    assert own_sandbox.stop() == 0
    own_sandbox.start()
    assert own_sandbox.stop(signal.SIGINT) == 0


def test_a_taken_port_is_told(sandbox, tmp_path):
    command = [sys.executable, "-m", "netsuite.sandbox", "--port", sandbox.url.rpartition(":")[2]]
    command += ["--client-id", CLIENT_ID, "--certificate-id", CERTIFICATE_ID, "--state", str(tmp_path)]
    command += ["--public-key", str(sandbox.state / "public.pem")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1
    assert "in use" in ended.stderr
    assert ended.stdout == ""


def test_keys_netsuite_does_not_take_are_refused():
    small = rsa.generate_private_key(65537, 2048).public_key()
    pem = small.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for wrong in (pem, b"no key"):
        with pytest.raises(ValueError, match=r"RSA keys of 3072|PEM"):
            public_key(wrong)


def test_the_key_command_writes_private_files_and_never_overwrites(tmp_path, capsys):
    files = [tmp_path / "private.pem", tmp_path / "public.pem"]
    arguments = ["--algorithm", "ES256", "--private", str(files[0]), "--public", str(files[1])]
    assert subprocess.run([sys.executable, "-m", "netsuite.sandbox.keys", *arguments], check=False).returncode == 0
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    before = files[0].read_text()
    assert keys.main(arguments) == 1
    assert "exists" in capsys.readouterr().err
    public = files[1].read_text()
    files[1].unlink()  # as after a crash between the two
    assert keys.main(arguments) == 0
    assert [file.read_text() for file in files] == [before, public]
    assert sorted(tmp_path.iterdir()) == files  # and no drafts


async def test_the_control_side_answers_to_this_machine_only(tmp_path, ec_keys):
    integration = Integration(CLIENT_ID, CERTIFICATE_ID, public_key(ec_keys.public.encode()))
    for anywhere, address, status in (
        (False, "127.0.0.1", 200),
        (False, "::ffff:127.0.0.1", 200),
        (False, "192.0.2.7", 403),
        (True, "192.0.2.7", 200),
    ):
        app = application(Settings(tmp_path, integration, control_anywhere=anywhere))
        async with app.router.lifespan_context(app):
            far = httpx.ASGITransport(app, client=(address, 5))
            async with httpx.AsyncClient(transport=far, base_url="http://sandbox.test") as client:
                assert (await client.get("/_sandbox/health")).status_code == status
