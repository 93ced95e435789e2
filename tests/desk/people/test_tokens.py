"""API tokens: whose they are, what they may do, how long they work, and what nobody's may not do."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from credit.actors import OwnActor
from credit.permissions import PERSONS_ONLY, Permission, Role
from db.engine import transaction
from db.errors import (
    BadInputError,
    NotAllowedError,
    OutOfScopeError,
    OwnerDisabledError,
    PersonNeededError,
    RefusedError,
    TokenExpiredError,
    UnknownUserError,
)
from db.people import absences, tokens, users
from db.people.tokens import Caller
from services.people import people
from services.people.first_admin import ensure_first_admin
from services.people.operator_token import ensure_operator_token
from tests.acting import acted, everybody, made_token
from tests.desk.people.browser import RunningDesk
from tests.patience import PATIENCE


def caller(engine: Engine, token: str, *, later: timedelta = timedelta(0)) -> Caller:
    now = datetime.now(UTC) + later
    with transaction(engine) as session:
        return absences.standing_in(session, tokens.caller(session, token, now), now)


def person(engine: Engine, login: str, role: Role) -> None:
    acted(engine, "test", people.create, login, role)


def test_a_token_acts_for_its_owner_and_may_no_more_than_both(engine: Engine) -> None:
    person(engine, "ann", Role.APPROVER)
    who = caller(engine, made_token(engine, "ann's laptop", Role.REQUESTER, owner="Ann"))
    assert (who.name, who.role, who.token and who.token.name) == ("ann", Role.REQUESTER, "ann's laptop")
    cli = made_token(engine, "ann-cli", Role.APPROVER, owner="ann")
    assert caller(engine, cli).role is Role.APPROVER
    acted(engine, "test", people.change, "ann", role=Role.VIEWER)
    assert caller(engine, cli).role is Role.VIEWER
    with pytest.raises(BadInputError, match="ann is viewer"):
        made_token(engine, "more", Role.ADMIN, owner="ann")
    with pytest.raises(UnknownUserError):
        made_token(engine, "more", Role.ADMIN, owner="nobody")
    acted(engine, "test", people.change, "ann", disabled=True)
    with pytest.raises(OwnerDisabledError, match="ann, who owns the token 'ann-cli', is disabled"):
        caller(engine, cli)
    with pytest.raises(BadInputError, match="ann is disabled"):
        made_token(engine, "ann", Role.VIEWER)


def test_without_an_owner_it_is_the_person_of_that_name_who_is_made_where_there_is_none(engine: Engine) -> None:
    made = acted(engine, "mike", people.create_token, "Ann", Role.REQUESTER)
    assert (made.owner, made.new_person, made.replaced) == ("ann", True, False)
    again = acted(engine, "mike", people.create_token, "ann", Role.APPROVER)
    assert (again.owner, again.new_person, caller(engine, again.token).role) == ("ann", False, Role.APPROVER)
    assert caller(engine, made.token).name == "ann", "two names, one person"
    spaced = [acted(engine, "mike", people.create_token, "Bob Smith", Role.VIEWER) for _ in range(2)]
    assert [(one.owner, one.new_person, one.replaced) for one in spaced] == [
        ("bobsmith", True, False),
        ("bobsmith", False, True),
    ]
    assert {one.login: (one.role, one.signs_in_with) for one in everybody(engine)} == {
        "ann": ("approver", "nothing"),
        "bobsmith": ("viewer", "nothing"),
    }


def test_a_person_of_a_token_alone_is_no_admin_who_could_let_the_others_in(engine: Engine) -> None:
    person(engine, "ann", Role.ADMIN)
    made_token(engine, "robot", Role.ADMIN)
    with pytest.raises(RefusedError, match="ann is the last admin"):
        acted(engine, "test", people.change, "ann", disabled=True)
    acted(engine, "test", people.reset_password, "robot")
    acted(engine, "test", people.change, "ann", disabled=True)


@pytest.mark.parametrize("permission", sorted(PERSONS_ONLY))
def test_a_service_s_token_does_nothing_for_which_a_person_answers(engine: Engine, permission: Permission) -> None:
    who = caller(engine, made_token(engine, "robot", Role.ADMIN, service=True))
    with pytest.raises(PersonNeededError, match=r"a service decides nothing.*hold token create --name robot"):
        who.require(permission)
    assert who.may(Permission.CHANGE_POLICY)
    with pytest.raises(BadInputError, match="no service's token may"):
        made_token(engine, "robot", Role.ADMIN, service=True, scope=[permission])
    assert not caller(engine, made_token(engine, "erp", Role.SENDER)).may(permission)


def test_a_service_and_a_person_never_share_a_name(engine: Engine) -> None:
    person(engine, "ann", Role.APPROVER)
    made_token(engine, "Robot", Role.VIEWER, service=True)
    for refused in (
        lambda: made_token(engine, "Ann", Role.SENDER),
        lambda: made_token(engine, "ann", Role.VIEWER, service=True),
        lambda: made_token(engine, "x", Role.VIEWER, service=True, owner="ann"),
        lambda: made_token(engine, "x", Role.SENDER, owner="ann"),
        lambda: person(engine, "robot", Role.APPROVER),
    ):
        with pytest.raises(RefusedError):
            refused()
    with transaction(engine) as session:
        assert users.free_login(session, ["robot"]) == "robot-2"


_SYSTEMS = (*OwnActor, "Service_Holds", "SERVICE HOLDS", "System", "policy", "Policy x", "operator", "netsuite")


@pytest.mark.parametrize("name", _SYSTEMS)
def test_no_person_and_no_token_is_called_as_the_system_is(engine: Engine, name: str) -> None:
    makers = [
        lambda: made_token(engine, name, Role.VIEWER),
        lambda: made_token(engine, name, Role.SENDER),
        lambda: person(engine, name, Role.VIEWER),
    ]
    for make in makers:
        with pytest.raises(BadInputError):
            make()
    with transaction(engine) as session:  # whom a provider sends comes in under another name
        assert users.free_login(session, [name.replace(" ", "_")]) in {"user", "policyx"}
    assert everybody(engine) == []


def test_a_token_works_for_so_long_and_says_when_it_was_used(engine: Engine) -> None:
    made = {
        name: acted(engine, "test", people.create_token, name, role, days=days)
        for name, role, days in (("ann", Role.VIEWER, None), ("erp", Role.SENDER, None), ("bob", Role.VIEWER, 7))
    }
    days = {name: round((one.expires_at - datetime.now(UTC)) / timedelta(days=1)) for name, one in made.items()}
    assert days == {"ann": 90, "erp": 366, "bob": 7}
    for wrong in (0, -1, 367, 10**30):
        with pytest.raises(BadInputError, match="1 to 366 days"):
            acted(engine, "test", people.create_token, "ann", Role.VIEWER, days=wrong)
    with pytest.raises(TokenExpiredError, match="'bob' expired at"):
        caller(engine, made["bob"].token, later=timedelta(days=7))
    start = datetime.now(UTC)
    seen = []
    for seconds in (0, 59, 60, 119):
        now = start + timedelta(seconds=seconds)
        with transaction(engine) as session:
            tokens.used(session, tokens.caller(session, made["ann"].token, now), now)
            session.expire_all()
            seen.append(tokens.caller(session, made["ann"].token, now).token.last_used_at)  # type: ignore[union-attr]
    assert [(at - start).seconds for at in seen if at] == [0, 0, 60, 60]


def test_a_scope_is_all_that_a_token_may(engine: Engine) -> None:
    made = acted(engine, "test", people.create_token, "ann", Role.APPROVER, scope=["claim-and-decide", "Look"])
    assert made.scope == [Permission.DECIDE, Permission.LOOK]
    who = caller(engine, made.token)
    assert {one for one in Permission if who.may(one)} == {
        Permission.DECIDE,
        Permission.LOOK,
        Permission.KNOW_ONESELF,
    }
    with pytest.raises(OutOfScopeError, match="the token ann may not retry a beat, only ask who one is, claim and d"):
        who.require(Permission.RETRY_BEAT)
    with pytest.raises(
        BadInputError, match="no permission 'everything'; there are: ask-who-one-is, look, start-a-hold"
    ):
        made_token(engine, "ann", Role.VIEWER, scope=["everything"])
    with pytest.raises(BadInputError, match="no viewer may retry a beat"):
        made_token(engine, "ann", Role.VIEWER, scope=["retry a beat"])
    with pytest.raises(BadInputError, match="at least one"):
        made_token(engine, "ann", Role.VIEWER, scope=[])
    with engine.begin() as connection:
        connection.execute(text("UPDATE api_tokens SET scope = ARRAY['look', 'of a newer version']"))
    assert {one for one in Permission if caller(engine, made.token).may(one)} == {
        Permission.LOOK,
        Permission.KNOW_ONESELF,
    }


def test_an_absent_person_lends_a_token_no_more_than_it_may(engine: Engine) -> None:
    person(engine, "ann", Role.APPROVER)
    person(engine, "dana", Role.REQUESTER)
    token = made_token(engine, "dana-cli", Role.VIEWER, owner="dana")
    now = datetime.now(UTC)
    how = {"starts_at": now, "ends_at": now + timedelta(days=1), "reason": "holidays"}
    acted(engine, "ann", absences.add, login="ann", delegate="dana", **how)
    with pytest.raises(NotAllowedError, match="the token dana-cli of dana is viewer"):
        caller(engine, token).require(Permission.DECIDE)
    caller(engine, made_token(engine, "dana", Role.REQUESTER)).require(Permission.DECIDE)


def test_the_operator_s_token_is_an_admin_s_and_is_renewed(engine: Engine, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "operator.token"

    def operator() -> tuple[str, Caller]:
        ensure_operator_token(database_url, file)
        token = file.read_text().strip()
        return token, caller(engine, token)

    ensure_first_admin(database_url)
    token, who = operator()
    assert (who.name, who.role, who.token and who.token.name) == ("mike", Role.ADMIN, "operator")
    assert file.stat().st_mode & 0o777 == 0o600
    with engine.begin() as connection:  # as the version before left it
        connection.execute(text("UPDATE api_tokens SET owner_id = NULL, expires_at = now() + interval '3 days'"))
    again, renewed = operator()
    assert (again, renewed.name) == (token, "mike")
    assert caller(engine, token, later=timedelta(days=365)).name == "mike"
    person(engine, "ann", Role.ADMIN)
    acted(engine, "ann", people.change, "mike", disabled=True)
    assert operator() == (token, caller(engine, token))
    assert caller(engine, token).name == "ann"
    acted(engine, "ann", people.revoke_token, "operator")
    assert operator()[0] != token


def test_a_gate_s_answer_is_a_use_of_the_token(desk: RunningDesk) -> None:
    bearer = {"Authorization": f"Bearer {made_token(desk.engine, 'shop', Role.VIEWER, service=True)}"}
    for _ in range(2):
        assert httpx.get(f"{desk.url}/api/customers/1/eligibility?action=order", headers=bearer).status_code == 404
    deadline = time.monotonic() + PATIENCE
    with desk.engine.connect() as connection:
        while connection.execute(text("SELECT last_used_at FROM api_tokens")).scalar_one() is None:
            connection.rollback()
            assert time.monotonic() < deadline


def test_a_new_token_is_not_given_the_answers_of_the_one_before(desk: RunningDesk) -> None:
    customer = {"customer_id": "nobody", "trigger": "manual", "reason": "why not"}

    def ask(role: Role) -> httpx.Response:
        headers = {"Authorization": f"Bearer {made_token(desk.engine, 'robin', role)}", "Idempotency-Key": "one"}
        return httpx.post(f"{desk.url}/api/holds", json=customer, headers=headers)

    assert ask(Role.ADMIN).status_code == 404
    assert ask(Role.VIEWER).json()["code"] == "not_allowed"
