"""Who may send events: a signature of a secret we know, made lately; or a sender's token (an admin's, too)."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import func, select

from credit.permissions import Role
from db.models import AuditEvent, InboundEvent, Payment
from tests.events.conftest import FOREIGN, NEW, OLD, Outside, payment, served
from tests.holds.helpers import rows
from tests.world import World


def taken(outside: Outside) -> int:
    return int(rows(outside.world, select(func.count()).select_from(InboundEvent))[0])


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_either_secret_counts_while_one_replaces_the_other(idle_outside: Outside, secret: str) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)

    await idle_outside.taken("payment", payment(customer), secret=secret)

    assert taken(idle_outside) == 1


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"secret": FOREIGN}, "No matching signature"),
        ({"age": timedelta(minutes=6)}, "too old"),
        ({"age": -timedelta(minutes=6)}, "too new"),
    ],
)
async def test_forged_expired_and_postdated_signatures_are_refused_and_audited(
    idle_outside: Outside, how: dict[str, object], says: str
) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)

    answer = await idle_outside.send("payment", payment(customer), **how)

    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_sender")
    assert says in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert taken(idle_outside) == 0
    [refusal] = rows(idle_outside.world, select(AuditEvent).where(AuditEvent.action == "request_refused"))
    assert refusal.detail["code"] == "unknown_sender"


async def test_a_signature_of_another_body_or_id_is_refused(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    good = await idle_outside.send("payment", payment(customer), name="one")
    sent = good.request

    for changed in (
        {"content": sent.content.replace(b"100.00", b"900.00"), "headers": sent.headers},
        {"content": sent.content, "headers": {**sent.headers, "webhook-id": "two"}},
    ):
        answer = await idle_outside.http.post("/api/events/payment", **changed)
        assert answer.status_code == 401
    assert len(rows(idle_outside.world, select(Payment))) == 1


async def test_junk_in_the_headers_is_a_refusal_and_never_an_error(idle_outside: Outside) -> None:
    lately = str(int(datetime.now(UTC).timestamp()))
    signatures = ["", "v1", "v1,", "v1,%%%", "v2,abcd", "v1a,AAAA x", "v1,AAAA v1,A"]
    for timestamp, junk in product(["", "nan", "1e400", "yesterday", lately], signatures):
        headers = {"webhook-id": "x", "webhook-timestamp": timestamp, "webhook-signature": junk}

        answer = await idle_outside.http.post("/api/events/payment", json=payment("nobody"), headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (401, "unknown_sender"), (timestamp, junk)


async def test_signed_events_need_a_secret_here(idle_world: World) -> None:
    customer = idle_world.customer(in_netsuite=False)
    async with served(idle_world, events_secret=None) as outside:
        answer = await outside.send("payment", payment(customer))

    assert answer.status_code == 401
    assert "HOLD_EVENTS_SECRET" in answer.json()["detail"]


async def test_a_sender_s_token_may_send_and_a_requester_s_or_approver_s_may_not(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    body = payment(customer)

    async def send(headers: dict[str, str]) -> int:
        return (await idle_outside.http.post("/api/events/payment", json=body, headers=headers)).status_code

    key = {"Idempotency-Key": "once"}
    assert await send(key) == 401
    assert await send(key | {"Authorization": "Bearer hold_nobody"}) == 401
    for role in (Role.VIEWER, Role.REQUESTER, Role.APPROVER):
        assert await send(key | idle_outside.token(role)) == 403
    assert taken(idle_outside) == 0
    assert await send(key | idle_outside.token(Role.SENDER)) == 202
    assert idle_outside.event("once").source == "erp-sender"
    assert await send({"Idempotency-Key": "twice"} | idle_outside.token(Role.ADMIN)) == 202


async def test_a_token_s_event_is_named_by_header_or_body_and_never_by_both_differently(idle_outside: Outside) -> None:
    customer, who = idle_outside.world.customer(in_netsuite=False), idle_outside.token(Role.SENDER)

    async def send(body: dict[str, object], **headers: str) -> tuple[int, str]:
        answer = await idle_outside.http.post("/api/events/payment", json=body, headers=who | headers)
        return answer.status_code, answer.text

    assert (await send(payment(customer, event_id="in-body")))[0] == 202
    assert (await send(payment(customer, event_id="same"), **{"Idempotency-Key": "same"}))[0] == 202
    for status, text in (
        await send(payment(customer)),
        await send(payment(customer, event_id="one"), **{"Idempotency-Key": "another"}),
        await send(payment(customer), **{"Idempotency-Key": "x" * 201}),
    ):
        assert (status, "body.event_id" in text) == (422, True)
    assert taken(idle_outside) == 2


async def test_two_senders_may_use_the_same_id(idle_outside: Outside) -> None:
    customer = idle_outside.world.customer(in_netsuite=False)
    await idle_outside.taken("payment", payment(customer), name="7")
    headers = idle_outside.token(Role.SENDER) | {"Idempotency-Key": "7"}

    answer = await idle_outside.http.post("/api/events/payment", json=payment(customer), headers=headers)

    assert answer.status_code == 202
    assert taken(idle_outside) == 2
