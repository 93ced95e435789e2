"""The ledger's currency is a promise about every amount: it is not renamed under them."""

import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from credit import policy_change as rules
from credit.drift import LimitHandling, Surroundings, gaps
from credit.ledger_file import LedgerFileError
from credit.policy import Policy
from db import policies, policy_change
from db.act import Act
from db.engine import transaction
from db.errors import CurrencyInUseError
from db.freight import accounting_profiles
from db.models import AccountingProfile, Customer
from db.receivables.ledger_import import import_ledger
from tests.receivables.files import Import, ledger

NOW = datetime.now(UTC)


def rename(engine: Engine, currency: str = "EUR") -> None:
    with transaction(engine) as session:
        changed = Policy.model_validate(policies.current(session)[1].model_dump() | {"ledger_currency": currency})
        policy_change.change(Act(session, "ada", NOW), changed, note="euro")


def bring_in(engine: Engine, file: Path, policy: Policy) -> None:
    import_ledger(engine, file, mapping={}, as_of=None, rates={}, skip_bad=False, actor="ada", policy=policy)


def currency(engine: Engine) -> str:
    with transaction(engine) as session:
        return policies.current(session)[1].ledger_currency


def test_an_empty_ledger_takes_another_currency(engine: Engine) -> None:
    rename(engine)
    assert currency(engine) == "EUR"


def test_a_ledger_with_amounts_does_not(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(ledger("A,Acme,1,2020-01-01,100"))
    bring_in(engine, file, Policy())
    with pytest.raises(CurrencyInUseError, match="amounts in USD, and calling them EUR would not convert them"):
        rename(engine)
    assert currency(engine) == "USD"


def test_a_credit_limit_is_an_amount(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add(Customer(id="A", name="Acme", netsuite_id="1"))
        session.flush()
        accounting_profiles.set_limit(Act(session, "ada", NOW), "A", Decimal(5))
    with pytest.raises(CurrencyInUseError):
        rename(engine)


def test_a_file_that_was_read_for_the_currency_before_is_refused(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text(ledger("A,Acme,1,2020-01-01,100"))
    before = Policy()
    rename(engine)
    with pytest.raises(LedgerFileError, match="changed from USD to EUR meanwhile"):
        bring_in(engine, file, before)


def test_a_change_waits_for_who_writes_amounts(engine: Engine) -> None:
    refused: list[BaseException] = []

    def change() -> None:
        try:
            rename(engine)
        except CurrencyInUseError as error:
            refused.append(error)

    other = threading.Thread(target=change)
    with transaction(engine) as session:
        policies.for_amounts(session)
        other.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while not session.scalar(waiting):
            assert other.is_alive(), "the change did not wait"
        session.add(Customer(id="A", name="Acme", netsuite_id="1"))
        session.flush()
        accounting_profiles.set_limit(Act(session, "ada", NOW), "A", Decimal(5))
    other.join(30)
    assert len(refused) == 1
    assert currency(engine) == "USD"


def test_a_dry_run_renames_nothing() -> None:
    with pytest.raises(rules.PolicyChangeError, match="another name would not convert them"):
        rules.apply(Policy(), {"ledger_currency": "EUR"})


def limits(engine: Engine) -> dict[str, Decimal | None]:
    with transaction(engine) as session:
        return {row.customer_id: row.credit_limit for row in session.scalars(select(AccountingProfile))}


def test_kind_12_a_limit_in_another_currency_is_converted_as_its_row_is(load: Import, engine: Engine) -> None:
    """In the row's currency, unless the file names the limit's own."""
    extra = "currency,credit_limit,credit_limit_currency"
    rows = (
        "A,Acme,1,2020-01-01,100,EUR,1000,",
        "B,Bolt,2,2020-01-01,100,EUR,1000,USD",
        "C,Cork,3,2020-01-01,100,,1000,EUR",
        "D,Dorn,4,2020-01-01,100,EUR,,",
    )
    assert load(ledger(*rows, extra=extra), rates={"EUR": Decimal("1.5")}).imported

    assert limits(engine) == {"A": Decimal(1500), "B": Decimal(1000), "C": Decimal(1500), "D": None}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("A,Acme,1,2020-01-01,100,,1000,CHF",), "not the ledger's USD: give its rate with --rate CHF=RATE"),
        (
            ("A,Acme,1,2020-01-01,100,USD,1000,", "A,Acme,2,2020-01-01,100,EUR,1000,"),
            "customer A has its credit limit in USD on line 2",
        ),
        (("A,Acme,1,2020-01-01,100,,9000000000000000,EUR",), "too large once converted"),
    ],
)
def test_kind_12_a_limit_that_cannot_be_compared_is_refused(load: Import, rows: tuple[str, ...], said: str) -> None:
    extra = "currency,credit_limit,credit_limit_currency"

    report = load(ledger(*rows, extra=extra), rates={"EUR": Decimal("1.5")})

    assert not report.imported
    assert said in report.bad[0].reason


def test_kind_12_netsuites_own_limit_is_compared_in_one_currency_or_said_not_to_be() -> None:
    seen = Surroundings(
        released=True, after_release="AUTO", total_open=Decimal(1100), currency="USD", credit_limit=Decimal(1000),
        limit_currency="EUR", has_terms=True,
    )  # fmt: skip

    [said] = gaps(seen, LimitHandling.ENFORCE)
    assert "1,000.00 EUR cannot be compared with 1,100.00 USD open" in said
    [said] = gaps(seen.model_copy(update={"limit_currency": "USD"}), LimitHandling.ENFORCE)
    assert "1,100.00 open is above its credit limit of 1,000.00" in said
    assert gaps(seen.model_copy(update={"credit_limit": None}), LimitHandling.ENFORCE) == []
