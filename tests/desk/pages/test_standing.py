"""How a customer stands is one word, and every page, list, answer and command says the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.holds import customer_standings
from db.models import Customer, Hold
from db.receivables import exemptions
from tests.desk.api.test_cli import Hold as Command
from tests.desk.pages.conftest import Sit
from tests.desk.server import DeskServer
from tests.holds.helpers import in_force
from tests.world import World


async def test_pages_list_answers_and_commands_say_the_same_word(world: World, desk: DeskServer, sit: Sit) -> None:
    now = datetime.now(UTC)
    words = ("free", "exempt", "over its limit", "partly blocked", "blocked", "flagged", "parent")
    named = {word: world.customer(in_netsuite=False) for word in words}
    named |= {word: world.customer() for word in ("to decide", "on hold", "being held", "being released")}
    world.set_policy(family_accounts_together=True)
    for word in ("on hold", "being held", "being released"):
        await in_force(world, named[word])
    await world.start(named["to decide"])
    with transaction(world.engine) as session:
        act = Act(session, "mike", now)
        until = (now + timedelta(days=9)).date()
        exemptions.grant(act, named["exempt"], owner="mike", reason="a merger", until=until)
        accounting_profiles.set_limit(act, named["over its limit"], 100)  # type: ignore[arg-type]
        accounting_profiles.add_entry(act, named["partly blocked"], tariffs=["LTL-STANDARD"], note="damage")
        for word in ("blocked", "on hold"):
            accounting_profiles.add_entry(act, named[word], tariffs=None, note="two cheques")
        child = update(Customer).where(Customer.id == named["parent"])
        session.execute(child.values(parent_id=named["blocked"]))
        session.execute(update(Customer).where(Customer.id == named["flagged"]).values(entitystatus="hold"))
        for word, status in (("being held", "applying"), ("being released", "releasing")):
            session.execute(update(Hold).where(Hold.customer_id == named[word]).values(status=status))
        standings = customer_standings.of(session, list(named.values()), now)
    ada, hold = sit(Role.ADMIN, "ada"), Command(desk, desk.token("cleo", Role.APPROVER))
    api = desk.client(name="mike")

    async def asked(path: str, **params: Any) -> Any:
        answer = await api.get(f"/api/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    for word, customer in named.items():
        wanted = {"flagged": "blocked", "parent": "blocked"}.get(word, word)
        standing = standings[customer]
        document = standing.model_dump(mode="json")
        assert (standing.label, bool(standing.reason)) == (wanted, True)
        for address in ("", "/credit-hold", "/accounting-profile"):
            page = await ada.get(f"/customers/{customer}{address}")
            assert page.badges == [wanted], address
            assert standing.reason in page.text
        [row] = [row for row in (await asked("customers", q=customer))["customers"] if row["id"] == customer]
        assert row["standing"] == (await asked(f"customers/{customer}"))["standing"] == document
        assert (await asked(f"customers/{customer}/accounting-profile"))["standing"] == document
        listed = await ada.get("/customers", q=customer)
        assert listed.badges[0] == wanted
        assert standing.reason in listed.text
        assert (await hold.json("profile", "show", customer))["standing"] == document
        if row["hold"]:
            assert wanted in (await ada.get(f"/holds/{customer}")).badges
            assert (await asked(f"holds/{row['hold']['id']}"))["customer_standing"] == document
            assert (await hold.json("show", customer))["customer_standing"] == document
