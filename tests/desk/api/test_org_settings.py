"""Organisations over HTTP and from the command line."""

from credit.permissions import Role
from tests.desk.api.helpers import refused
from tests.desk.api.test_cli import REFUSED, USAGE, Hold
from tests.desk.server import DeskServer
from tests.holds.helpers import events
from tests.world import World

MAIN = "/api/org-settings/main"


async def test_everything_is_off_until_an_admin_switches_it_on(desk: DeskServer, world: World) -> None:
    ada, mike = desk.client(Role.ADMIN, "ada"), desk.client()
    [main] = (await mike.get("/api/org-settings")).json()["organisations"]
    assert (main["organisation"], main["auto_apply_credit_hold"], main["auto_lift_credit_hold"]) == (
        "main",
        False,
        False,
    )
    refused(await mike.put(MAIN, json={"auto_apply_credit_hold": True}), 403, "not_allowed")
    changed = await ada.put(MAIN, json={"auto_apply_credit_hold": True})
    assert changed.json() | {"updated_at": ""} == main | {
        "auto_apply_credit_hold": True,
        "version": 2,
        "updated_by": "ada",
        "updated_at": "",
    }
    [row] = events(world, "system", "org_settings_changed")
    assert (row.actor, row.detail["before"]["auto_apply_credit_hold"]) == ("ada", False)
    assert row.detail["after"] == {"auto_apply_credit_hold": True, "auto_lift_credit_hold": False, "language": "en"}
    same = await ada.put(MAIN, json={"auto_apply_credit_hold": True})
    assert same.json()["version"] == 2
    assert len(events(world, "system", "org_settings_changed")) == 1


async def test_the_version_read_guards_a_change(desk: DeskServer, world: World) -> None:
    del world
    ada = desk.client(Role.ADMIN)
    etag = (await ada.get(MAIN)).headers["etag"]
    assert (await ada.get(MAIN, headers={"If-None-Match": etag})).status_code == 304
    first = await ada.put(MAIN, json={"language": "de"}, headers={"If-Match": etag})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    stale = await ada.put(MAIN, json={"language": "fr"}, headers={"If-Match": etag})
    assert refused(stale, 412, "stale_version")["current"] == 2
    assert (await ada.get(MAIN)).json()["language"] == "de"
    refused(await ada.put(MAIN, json={"language": "fr"}, headers={"If-Match": "x"}), 422, "bad_input")
    for nonsense in (
        {"language": "klingon!"},
        {"language": None},
        {"auto_apply": True},
        {"auto_lift_credit_hold": "?"},
    ):
        refused(await ada.put(MAIN, json=nonsense), 422, "bad_input")


async def test_organisations_are_made_by_name(desk: DeskServer, world: World) -> None:
    ada = desk.client(Role.ADMIN, "ada")
    made = await ada.post("/api/org-settings", json={"organisation": "west-coast"})
    assert (made.status_code, made.headers["location"]) == (201, "/api/org-settings/west-coast")
    assert (await ada.get(made.headers["location"])).json() == made.json()
    refused(await ada.post("/api/org-settings", json={"organisation": "west-coast"}), 409, "organisation_taken")
    for nonsense in ("West", "-west", "west coast", "w" * 64):
        refused(await ada.post("/api/org-settings", json={"organisation": nonsense}), 422, "bad_input")
    refused(await desk.client().post("/api/org-settings", json={"organisation": "east"}), 403, "not_allowed")
    refused(await ada.get("/api/org-settings/nowhere"), 404, "unknown_organisation")
    refused(await ada.put("/api/org-settings/nowhere", json={"language": "en"}), 404, "unknown_organisation")
    [row] = events(world, "system", "organisation_created")
    assert (row.actor, row.detail["organisation"]) == ("ada", "west-coast")


async def test_organisations_from_the_command_line(desk: DeskServer, world: World) -> None:
    del world
    ada = Hold(desk, desk.token("ada", Role.ADMIN))
    changed = await ada.json("org", "set", "--auto-apply", "on", "--auto-lift", "on", "--language", "de")
    assert (changed["auto_apply_credit_hold"], changed["auto_lift_credit_hold"], changed["language"]) == (
        True,
        True,
        "de",
    )
    off = await ada.json("org", "set", "--organisation", "main", "--auto-lift", "off")
    assert (off["auto_apply_credit_hold"], off["auto_lift_credit_hold"], off["version"]) == (True, False, 3)
    assert (await ada.json("org", "show", "--organisation", "main")) == off
    assert (await ada.json("org", "show"))["organisations"] == [off]
    await ada("org", "show")
    assert "version 4" in await ada("org", "set", "--auto-apply", "off")
    await ada("org", "set", code=USAGE)
    assert "no organisation" in await ada("org", "show", "--organisation", "nowhere", code=REFUSED)
    mike = Hold(desk, desk.token("mike", Role.APPROVER))
    assert "approver" in await mike("org", "set", "--auto-apply", "on", code=REFUSED)
