"""A newcomer finds a thing by its name alone, where the README's "Find your way" says."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from credit.credit_limit import LimitState, state_of
from credit.permissions import Permission, Role, may
from credit.templates import CUSTOMER_NOTICE
from db.messages import default_templates
from db.receivables import payments
from services.receivables.payment import PaymentReceived

ROOT = Path(__file__).parents[1]
_SECTION = re.search(r"^## Find your way\n(.*?)(?=^## |\Z)", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
_PARAGRAPHS = _SECTION[1].strip().split("\n\n") if _SECTION else []


@pytest.mark.parametrize(
    ("asked_for", "name", "address"),
    [
        ("where a payment is dealt with", "payment.py", "services/receivables/payment.py"),
        ("where the credit-limit rule is", "credit_limit.py", "credit/credit_limit.py"),
        (
            "where a customer notice's default text is",
            "*customer_notice*",
            "db/messages/default_templates/service_hold_customer_notice.txt",
        ),
        ("where 'who may approve' is decided", "permissions.py", "credit/permissions.py"),
    ],
)
def test_its_name_leads_there_and_nowhere_else(asked_for: str, name: str, address: str) -> None:
    rooms = (path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name != "tests")
    found = [file.relative_to(ROOT).as_posix() for room in rooms for file in room.rglob(name)]
    assert found == [address], asked_for
    assert f"`{address}`" in _PARAGRAPHS[0], asked_for


def test_the_readme_says_it_in_three_sentences() -> None:
    assert len(re.findall(r"\.(?:\s|$)", _PARAGRAPHS[0])) == 3


def test_what_stands_there_is_the_thing_itself() -> None:
    assert payments.post.__name__ in PaymentReceived.take.__code__.co_names
    assert [state_of(Decimal(amount), Decimal(100)) for amount in (100, 101)] == list(LimitState)
    assert default_templates.file_of(CUSTOMER_NOTICE).name == "service_hold_customer_notice.txt"
    assert default_templates.read(CUSTOMER_NOTICE).body.startswith("Dear {{ customer_name }}")
    assert [role for role in Role if may(role, Permission.DECIDE)] == [Role.APPROVER, Role.ADMIN]
