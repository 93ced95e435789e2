"""Absences in the desk: one's own on the account's page, everybody's on the people's."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from credit.permissions import Role
from db.engine import transaction
from db.models import Absence
from tests.desk.people.browser import RunningDesk

TODAY = datetime.now(UTC).date()


def kept(desk: RunningDesk) -> list[Absence]:
    with transaction(desk.engine) as session:
        return list(session.scalars(select(Absence).order_by(Absence.starts_at)))


def order(delegate: str, **more: str) -> dict[str, str]:
    last = (TODAY + timedelta(days=3)).isoformat()
    return {"delegate": delegate, "first_day": "", "last_day": last, "reason": "at sea", **more}


def test_somebody_lets_a_colleague_stand_in_and_comes_back(desk: RunningDesk) -> None:
    anna, dana = desk.signed_in(Role.APPROVER, "anna"), desk.signed_in(Role.REQUESTER, "dana")
    assert "You are not away, and stand in for nobody." in anna.get("/account").text
    assert "Decide" not in dana.get("/account").text

    assert anna.post("/account/absences", **order("dana")).headers["location"] == "/account#absences"

    [absence] = kept(desk)
    assert (absence.login, absence.delegate, absence.reason, absence.created_by) == ("anna", "dana", "at sea", "anna")
    assert absence.ends_at == datetime.combine(TODAY + timedelta(days=4), datetime.min.time(), UTC)
    ending = f"/account/absences/{absence.id}/end"
    assert ending in anna.get("/account").text
    page = dana.get("/account").text
    assert "<strong>dana</strong> stands in for <strong>anna</strong>" in page
    assert ending not in page, "the delegate cannot end it"
    assert dana.post(ending).status_code == 403
    assert kept(desk)[0].ended_at is None

    assert anna.post(ending).status_code == 303
    assert kept(desk)[0].ended_at is not None
    assert "at sea" not in anna.get("/account").text


def test_what_makes_no_sense_is_said_and_kept(desk: RunningDesk) -> None:
    desk.person("dana", Role.REQUESTER)
    desk.person("vera")
    anna = desk.signed_in(Role.APPROVER, "anna")
    page = anna.get("/account").text
    assert ('value="dana"' in page, 'value="vera"' in page) == (True, False), "who looks only takes an admin"
    assert anna.post("/account/absences", **order("vera")).status_code == 403
    yesterday, next_century = (TODAY - timedelta(days=2)).isoformat(), (TODAY + timedelta(days=36525)).isoformat()
    for wrong, words in (
        ({"last_day": ""}, "Name the last day"),
        ({"last_day": yesterday}, "not in the past"),
        ({"last_day": "soon"}, "is no day"),
        ({"last_day": next_century}, "lasts at most 366 days"),
        ({"reason": " "}, "say why"),
        ({"delegate": "anna"}, "cannot stand in for anna"),
    ):
        answer = anna.post("/account/absences", **(order("dana", reason="to the moon") | wrong))
        assert answer.status_code == 422
        assert words in answer.text
        assert ("to the moon" in answer.text) is ("reason" not in wrong)
    assert anna.post("/account/absences", **order("nobody")).status_code == 404
    assert kept(desk) == []


def test_an_admin_notes_anybodys_absence(desk: RunningDesk) -> None:
    for login in ("anna", "dana"):
        desk.person(login, Role.APPROVER)
    ada, bob = desk.signed_in(Role.ADMIN, "ada"), desk.signed_in(Role.APPROVER, "bob")
    assert "Nobody is away." in ada.get("/people").text
    first = (TODAY + timedelta(days=1)).isoformat()
    wanted = order("dana", login="anna", first_day=first)
    assert bob.post("/people/absences", **wanted).status_code == 403
    nobody = ada.post("/people/absences", **order("dana", login=""))
    assert (nobody.status_code, "Choose who is away" in nobody.text) == (422, True)

    assert ada.post("/people/absences", **wanted).status_code == 303

    [absence] = kept(desk)
    assert (absence.login, absence.delegate, absence.created_by) == ("anna", "dana", "ada")
    page = ada.get("/people").text
    assert "planned" in page
    assert "Call off" in page
    again = ada.post("/people/absences", **wanted)
    assert (again.status_code, "is absent" in again.text) == (409, True)
    assert bob.post(f"/people/absences/{absence.id}/end").status_code == 403
    assert ada.post(f"/people/absences/{absence.id}/end").status_code == 303
    assert "Nobody is away." in ada.get("/people").text
