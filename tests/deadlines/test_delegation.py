"""Who stands in for an absent person decides for them, is written down as such, and is no second pair of eyes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from credit import notices
from credit.permissions import Permission, Role
from credit.states import Verdict
from db.act import Act
from db.engine import transaction
from db.errors import (
    AbsentAlreadyError,
    BadInputError,
    LendingNeedsAdminError,
    SecondApproverError,
    SelfApprovalError,
    UnknownUserError,
)
from db.holds.decisions import FirstApproval
from db.models import Absence, User
from db.people import absences
from db.people.tokens import Caller
from tests.deadlines.helpers import DAY, away, back, decide, first_approval
from tests.holds.helpers import events
from tests.notifications.helpers import decide as decided_and_obeyed
from tests.notifications.helpers import outbox, person, propose
from tests.world import World


@pytest.fixture
def world(idle_world: World) -> World:
    """Anna approves, ada is an admin; dana only looks, rita asks."""
    roles = {"anna": "approver", "bob": "approver", "ada": "admin", "dana": "viewer", "rita": "requester"}
    for login, role in roles.items():
        person(idle_world, login, role)
    return idle_world


def caller(world: World, login: str, role: Role = Role.VIEWER, later: timedelta = timedelta(0)) -> Caller:
    with transaction(world.engine) as session:
        return absences.standing_in(session, Caller(login, role), datetime.now(UTC) + later)


def may_decide(world: World, login: str, later: timedelta = timedelta(0)) -> bool:
    return caller(world, login, later=later).may(Permission.DECIDE)


def test_a_delegate_decides_with_the_absent_persons_role_while_it_lasts(world: World) -> None:
    assert not may_decide(world, "dana")
    now, hour = datetime.now(UTC), timedelta(hours=1)
    absence = away(world, "anna", "dana", starts_at=now + hour, ends_at=now + DAY)
    decides = [may_decide(world, "dana", later) for later in (0 * hour, 2 * hour, 23 * hour, 25 * hour)]
    assert decides == [False, True, True, False]
    back(world, absence)
    assert not may_decide(world, "dana", 2 * hour)


def test_only_deciding_is_delegated_and_no_role_is_lost(world: World) -> None:
    away(world, "ada", "dana")
    dana = caller(world, "dana")
    assert [one for one in Permission if dana.may(one)] == [
        Permission.KNOW_ONESELF,
        Permission.LOOK,
        Permission.DECIDE,
    ]
    away(world, "dana", "anna")
    assert caller(world, "anna", Role.APPROVER).may(Permission.SEND_MESSAGE)
    assert may_decide(world, "dana")  # absent, and still allowed to


def test_a_delegates_delegate_counts_for_nothing(world: World) -> None:
    away(world, "anna", "dana")
    away(world, "dana", "rita")
    assert (may_decide(world, "dana"), may_decide(world, "rita")) == (True, False)


def test_no_more_is_lent_than_the_lenders_role_of_today(world: World) -> None:
    away(world, "anna", "dana")
    with transaction(world.engine) as session:
        session.execute(update(User).where(User.login == "anna").values(role="requester"))
    assert not may_decide(world, "dana")


@pytest.mark.parametrize("delegate", ["dana", "rita"])
def test_only_an_admin_lets_somebody_below_requester_stand_in(world: World, delegate: str) -> None:
    if delegate == "dana":
        for lender in ("anna", "rita"):  # who lends nothing today may be an approver tomorrow
            with pytest.raises(LendingNeedsAdminError, match="dana is viewer, and only an admin"):
                away(world, lender, delegate, is_admin=False)
        assert not may_decide(world, delegate)
        away(world, "anna", delegate)
    else:
        away(world, "anna", delegate, is_admin=False)
    assert may_decide(world, delegate)


@pytest.mark.parametrize("login", ["anna", "dana"])
def test_who_is_disabled_neither_lends_a_role_nor_gets_one(world: World, login: str) -> None:
    away(world, "anna", "dana")
    with transaction(world.engine) as session:
        session.execute(update(User).where(User.login == login).values(disabled_at=datetime.now(UTC)))
    assert not may_decide(world, "dana")


def test_the_decision_says_on_whose_behalf(world: World) -> None:
    away(world, "anna", "dana")
    away(world, "rita", "dana")  # who asks and never decides: nothing is decided on her behalf
    hold_id = propose(world, actor="rita", reason="x")

    decision = decide(world, hold_id, "dana")

    assert not isinstance(decision, FirstApproval)
    assert (decision.actor, decision.on_behalf_of) == ("dana", ["anna"])
    [event] = events(world, hold_id, "proposal_approved")
    assert (event.actor, event.detail["on_behalf_of"]) == ("dana", ["anna"])
    last = world.show(hold_id)["timeline"][-1]
    assert (last["who"], last["on_behalf_of"]) == ("dana", ["anna"])


def test_a_decision_in_ones_own_name_names_nobody_else(world: World) -> None:
    back(world, away(world, "anna", "bob"))
    decision = decide(world, propose(world), "bob", Verdict.DECLINE)
    assert not isinstance(decision, FirstApproval)
    assert decision.on_behalf_of == []


def test_the_system_and_policies_stand_in_for_nobody_whatever_people_are_called(world: World) -> None:
    person(world, notices.SYSTEM, "approver")
    away(world, "anna", notices.SYSTEM)
    with transaction(world.engine) as session:
        act = Act(session, notices.SYSTEM, datetime.now(UTC))
        assert (act.on_behalf_of, act.people) == (["anna"], {"anna", notices.SYSTEM})
        for system in (act.by_system, Act.of_system(session, act.now), act.by(notices.SYSTEM)):
            assert (system.on_behalf_of, system.people) == ([], {notices.SYSTEM})


def test_who_stands_in_for_the_one_who_asked_may_not_approve(world: World) -> None:
    world.set_policy(bar_self_approval=True)
    absence = away(world, "rita", "bob")
    hold_id = propose(world, actor="rita")

    with pytest.raises(SelfApprovalError, match="rita, for whom bob stands in, asked"):
        decide(world, hold_id, "bob")
    assert world.status(hold_id) == "proposed"

    back(world, absence)
    assert not isinstance(decide(world, hold_id, "bob"), FirstApproval)


def test_who_asked_may_not_approve_in_anothers_name_either(world: World) -> None:
    world.set_policy(bar_self_approval=True)
    away(world, "ada", "rita")
    hold_id = propose(world, actor="rita")
    with pytest.raises(SelfApprovalError, match="rita asked"):
        decide(world, hold_id, "rita")


@pytest.mark.parametrize(("first", "second"), [("anna", "bob"), ("bob", "anna")])
def test_the_absent_person_and_the_delegate_are_not_two_people(world: World, first: str, second: str) -> None:
    world.set_policy(second_approver_above=Decimal(30000))
    absence = away(world, "anna", "bob")
    hold_id = propose(world)
    assert isinstance(decide(world, hold_id, first), FirstApproval)
    assert first_approval(world).on_behalf_of == (["anna"] if first == "bob" else [])

    if first == "bob":
        back(world, absence)  # what was approved in her name stays so when she is back
    with pytest.raises(SecondApproverError, match=f"{first} approved"):
        decide(world, hold_id, second)

    assert not isinstance(decide(world, hold_id, "ada"), FirstApproval)


def test_who_asked_is_told_in_whose_name_it_was_decided(world: World) -> None:
    away(world, "anna", "dana")
    hold_id = propose(world, actor="rita")
    decided_and_obeyed(world, hold_id, Verdict.APPROVE, actor="dana")
    [row] = [one for one in outbox(world) if one.event == "proposal.decided"]
    text = notices.mail([notices.Decided.model_validate(row.payload)], "")[1]
    assert "approved by dana on behalf of anna on" in text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"delegate": "anna"}, "anna cannot stand in for anna"),
        ({"delegate": "ANNA "}, "anna cannot stand in for anna"),
        ({"ends_at": datetime.now(UTC) - timedelta(minutes=1)}, "not in the past"),
        ({"starts_at": datetime.now(UTC) + 31 * DAY}, "ends after it starts"),
        ({"ends_at": datetime.now(UTC) + 366 * DAY}, "lasts at most 366 days: choose an earlier end"),
        ({"ends_at": datetime.now(UTC) + 36525 * DAY}, "lasts at most 366 days: choose an earlier end"),
        (
            {"starts_at": datetime.now(UTC) + 367 * DAY, "ends_at": datetime.now(UTC) + 368 * DAY},
            "starts at most 366 days from now",
        ),
        ({"reason": " "}, "say why"),
        ({"delegate": "gone"}, "gone is disabled"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(world: World, changes: dict[str, Any], why: str) -> None:
    person(world, "gone", disabled=True)
    with pytest.raises(BadInputError, match=why):
        away(world, **{"login": "anna", "delegate": "dana"} | changes)


def test_an_absence_of_a_year_a_year_ahead(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(hours=-1)
    away(world, "anna", "dana", starts_at=soon, ends_at=soon + 366 * DAY)
    away(world, "bob", "dana", starts_at=soon + 366 * DAY, ends_at=soon + 732 * DAY)


@pytest.mark.parametrize(("login", "delegate"), [("nobody", "dana"), ("anna", "nobody")])
def test_both_must_be_known(world: World, login: str, delegate: str) -> None:
    with pytest.raises(UnknownUserError, match="nobody"):
        away(world, login, delegate)


def test_absences_of_one_person_do_not_overlap(world: World) -> None:
    now = datetime.now(UTC)
    first = away(world, "anna", "dana", starts_at=now + 2 * DAY, ends_at=now + 4 * DAY)
    for starts, ends in ((1, 3), (3, 5), (1, 5), (2.5, 3)):
        with pytest.raises(AbsentAlreadyError, match="anna is absent"):
            away(world, "anna", "bob", starts_at=now + starts * DAY, ends_at=now + ends * DAY)
    away(world, "anna", "bob", starts_at=now + 4 * DAY, ends_at=now + 5 * DAY)
    away(world, "bob", "dana", starts_at=now + 3 * DAY, ends_at=now + 5 * DAY)
    back(world, first)  # called off before it began
    again = away(world, "anna", "bob", starts_at=now + 1 * DAY, ends_at=now + 3 * DAY)
    with transaction(world.engine) as session:
        assert next(one.id for one in absences.listed(session, now)) == again.id
        assert {one.id for one in absences.listed(session, now, over_too=True)} >= {first.id, again.id}


def test_adding_and_ending_is_audited_once(world: World) -> None:
    absence = away(world, "anna", "dana")
    back(world, absence)
    back(world, absence)
    [added] = events(world, "system", "absence_added")
    [ended] = events(world, "system", "absence_ended")
    assert (added.detail["login"], added.detail["delegate"], added.detail["why"]) == ("anna", "dana", "holiday")
    assert ended.detail["absence_id"] == str(absence.id)
    with transaction(world.engine) as session:
        assert session.get_one(Absence, absence.id).ended_at == ended.at
