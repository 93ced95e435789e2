"""What people type is rendered for whom may type it, reaches nothing, costs little, and stops nobody else."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

from credit.eligibility import FRONT_OFFICE
from credit.permissions import Role
from credit.states import TextFormat
from credit.templates import CUSTOMER_NOTICE
from db.act import Act
from db.engine import transaction
from db.messages import review
from db.models import ContentTemplate
from tests.credit_hold.freight import LINES, held
from tests.desk.api.helpers import refused
from tests.desk.pages.reader import Reader
from tests.desk.server import DeskServer
from tests.messages.mailing import Mailing
from tests.owner import as_owner
from tests.rendering.renderers import COSTLY_MARKDOWN, LOOPS, lenient, strict
from tests.world import World

TEMPLATE = f"/api/templates/{CUSTOMER_NOTICE}"
PREVIEW = f"{TEMPLATE}/preview"
PAGE = f"/settings/templates/{CUSTOMER_NOTICE}"


def words(body: str) -> dict[str, str]:
    return {"subject": "s", "body": body}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REQUESTER, Role.APPROVER])
async def test_preview_is_for_who_may_change_templates(desk: DeskServer, role: Role) -> None:
    api = desk.client(role)
    assert "{{ customer_name }}" in (await api.get(TEMPLATE)).json()["body"]
    refused(await api.post(PREVIEW, json=words("x")), 403, "not_allowed")
    reader = Reader.of(desk, role)
    assert (await reader.http.post(f"{PAGE}/preview", data=words("x"))).status_code == 403
    assert (await desk.client(Role.ADMIN).post(PREVIEW, json=words("x"))).json()["html"] == "<p>x</p>\n"


async def test_pickle_is_not_called(desk: DeskServer, tmp_path: Path) -> None:
    """The parse_raw of pydantic's models unpickles what it is told to; no template has such a model."""
    proof, api = tmp_path / "PROOF.txt", desk.client(Role.ADMIN)
    secret = desk.settings.database_url.get_secret_value()
    pickles = (
        rf"cposix\nsystem\n(S'id > {proof}'\ntR.",
        r"cos\ngetenv\n(S'HOLD_DATABASE_URL'\ntR.",
        r"cos\ngetcwd\n(tR.",
    )
    for pickle in pickles:
        for thing in ("facts", "invoices[0]"):
            attack = f"{{{{ {thing}.parse_raw(\"{pickle}\", proto='pickle', allow_pickle=True) }}}}"
            ways = [
                await api.post(PREVIEW, json=words(attack)),
                await api.put(TEMPLATE, json=words(attack), headers={"If-Match": '"1"'}),
            ]
            for answer in ways:
                said = refused(answer, 422, "template_refused")["detail"]
                assert "has no attribute 'parse_raw'" in said
                assert not [one for one in (secret, secret[-12:], str(Path.cwd()), "input_value") if one in said]
    assert not proof.exists()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{% for i in range(8000) %}{% for j in range(8000) %}{% endfor %}{% endfor %}", "'range' is undefined"),
        ("{{ ('a'*200000000)|length }}", "repeated 200000000 times is too long"),
        ("{{ ('%200000000d' % 1)|length }}", "more than 128 MB of memory"),
        ("{{ '%200000d' % 1 }}", "becomes longer than 100,000 characters"),
        (LOOPS, "takes more than 0.2 seconds"),
    ],
)
async def test_template_that_costs_too_much_is_refused_in_words(desk: DeskServer, body: str, says: str) -> None:
    api, ada = desk.client(Role.ADMIN), Reader.of(desk, Role.ADMIN)
    with strict():
        for answer in (
            await api.post(PREVIEW, json=words(body)),
            await api.put(TEMPLATE, json=words(body), headers={"If-Match": '"1"'}),
        ):
            assert says in refused(answer, 422, "template_refused")["detail"]
        page = await ada.send(await ada.get(PAGE), "Save as version 2", 422, body=body)
    assert page.form_with("Save as version 2").fields["body"] == body, "what was typed is lost"


async def test_template_has_a_length_and_what_was_typed_stays(desk: DeskServer) -> None:
    refused(await desk.client(Role.ADMIN).post(PREVIEW, json=words("x" * 20_001)), 422, "bad_input")
    ada, long = Reader.of(desk, Role.ADMIN), "words " * 4000
    page = await ada.send(await ada.get(PAGE), "Save as version 2", 422, body=long)
    assert "it has 24,000 characters, shorten it to 20,000" in page.text
    assert page.form_with("Save as version 2").fields["body"] == long


async def test_template_that_makes_costly_markdown_is_refused(desk: DeskServer) -> None:
    body = "{% for a in customer_name %}{% for b in customer_name %}" + "[[[[]](" * 40 + "{% endfor %}{% endfor %}"
    with strict():
        refused(await desk.client(Role.ADMIN).post(PREVIEW, json=words(body)), 422, "template_refused")


async def test_text_without_end_stops_nobody(desk: DeskServer) -> None:
    """While one person's worst template is rendered, and that never ends here, others are answered."""
    api, other = desk.client(Role.ADMIN), desk.client(Role.ADMIN)
    with lenient() as renderer:
        worst = asyncio.create_task(api.post(PREVIEW, json=words(LOOPS)))
        while not renderer._working:
            assert not worst.done()
            await asyncio.sleep(0)
        assert (await desk.anyone().get("/healthz")).is_success
        assert (await other.post(PREVIEW, json=words("{{ customer_id }}"))).json()["body"] == "1012"
        assert (await other.get(TEMPLATE)).is_success
        assert not worst.done()
        renderer.close()
        refused(await worst, 503, "renderer_away")


async def test_as_many_as_there_are_may_wait_and_the_desk_answers_all_the_same(desk: DeskServer) -> None:
    api = desk.client(Role.ADMIN)
    with lenient() as renderer:
        worst = [asyncio.create_task(api.post(PREVIEW, json=words(LOOPS))) for _ in range(60)]
        turned_away = next(asyncio.as_completed(worst))
        assert "too many texts" in refused(await turned_away, 503, "renderer_away")["detail"]
        assert (await desk.anyone().get("/healthz")).is_success
        assert (await api.get(TEMPLATE)).is_success, "what needs no rendering waits for none"
        renderer.close()
        assert {answer.status_code for answer in await asyncio.gather(*worst)} == {503}


@pytest.fixture
async def message(idle_world: World) -> UUID:
    return await Mailing(idle_world).draft(start=False)


def write(world: World, message: UUID, body: str, format: TextFormat) -> None:  # noqa: A002
    """As a text that was kept when nothing was asked of it but its length."""
    with transaction(world.engine) as session:
        review.edit(
            Act(session, "ann", datetime.now(UTC)),
            message,
            revision=1,
            subject="s",
            body=body,
            recipient="a@example.test",
            format=format,
        )


async def test_costly_markdown_is_refused_to_who_typed_it(desk: DeskServer, message: UUID) -> None:
    api, rosa = desk.client(Role.REQUESTER), Reader.of(desk, Role.REQUESTER)
    text = {"subject": "s", "body": COSTLY_MARKDOWN, "recipient": "a@example.test", "format": "markdown"}
    with strict():
        answer = await api.put(f"/api/messages/{message}", json=text, headers={"If-Match": '"1"'})
        assert "takes more than 0.2 seconds" in refused(answer, 422, "bad_input")["detail"]
        shown = await rosa.http.post(f"/messages/{message}/preview", data=text)
        page = await rosa.send(await rosa.get(f"/messages/{message}"), "Save as revision 2", 422, **text)
    assert shown.status_code == 422
    assert "Shown as plain text:" in shown.text
    assert "[[[[]](" in shown.text
    assert page.form_with("Save as revision 2").fields["body"] == COSTLY_MARKDOWN
    plain = text | {"format": "text", "revision": 1}
    assert (await api.put(f"/api/messages/{message}", json=plain)).is_success


async def test_stored_text_that_costs_too_much_is_shown_as_plain_text(
    desk: DeskServer, idle_world: World, message: UUID
) -> None:
    write(idle_world, message, COSTLY_MARKDOWN, TextFormat.MARKDOWN)
    viewer = Reader.of(desk, Role.VIEWER)
    with strict():
        page = await viewer.get(f"/messages/{message}/preview", revision=2)
    assert "Shown as plain text: this text takes more than 0.2 seconds" in page.text
    assert "[[[[]](" in page.text
    assert (await viewer.get(f"/messages/{message}")).text


async def test_difference_that_takes_too_long_is_shown_whole(
    desk: DeskServer, idle_world: World, message: UUID
) -> None:
    before, after = "a b " * 20_000, "b a " * 20_000
    write(idle_world, message, before, TextFormat.TEXT)
    api = desk.client(Role.REQUESTER)
    text = {"subject": "s", "body": after, "recipient": "a@example.test"}
    with strict():
        assert (await api.put(f"/api/messages/{message}", json=text | {"revision": 2})).is_success
        stale = await api.put(f"/api/messages/{message}", json=text | {"revision": 2, "body": "mine"})
        assert f"+{after.strip()}" in refused(stale, 409, "stale_revision")["difference"]
        page = await Reader.of(desk, Role.VIEWER).get(f"/messages/{message}", before=2, after=3)
    assert after.strip() in page.text


async def test_refusal_at_the_gate_never_waits_for_a_template(desk: DeskServer, idle_world: World) -> None:
    """A template that takes too long is not said; the customer is refused all the same, in plain words."""
    api, customer = desk.client(Role.REQUESTER), held(idle_world)
    with as_owner(idle_world.engine) as session:
        session.execute(update(ContentTemplate).where(ContentTemplate.name == FRONT_OFFICE).values(body=LOOPS))
    plain = f"Account {customer} is on credit hold. Please call us."
    with strict():
        answer = (await api.get(f"/api/customers/{customer}/eligibility?action=order")).json()
        assert (answer["allowed"], answer["message"], answer["degraded"]) == (False, plain, False)
        for path, order in (("/api/orders", {"lines": LINES}), ("/api/rates", {})):
            said = refused(await api.post(path, json={"customer_id": customer, **order}), 409, "customer_on_hold")
            assert said["message"] == plain
