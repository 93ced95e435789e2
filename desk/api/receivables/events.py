"""Events over HTTP. A sender signs them (Standard Webhooks) or shows its API token; each counts once, under its id."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from credit.actors import OwnActor
from credit.permissions import Permission, Role
from db.errors import BadEventError, EventConflictError, OutOfOrderError, UnknownCustomerError, UnknownSenderError
from db.people.tokens import Caller
from desk.access import Needs
from desk.api.common import Desk, api_router
from desk.problems import refuses
from desk.surroundings import Surroundings
from services.receivables.answers import TakenEvent
from services.receivables.dispute import Dispute
from services.receivables.event import Event
from services.receivables.health_prediction import HealthPrediction
from services.receivables.inbound import Delivery
from services.receivables.invoice import InvoicePosted
from services.receivables.payment import PaymentReceived
from services.receivables.payment_plan import PaymentPlanEvent
from services.receivables.promise import Promise

router = api_router("events", "/api/events", heeds_key=False)

SIGNED = OwnActor.SIGNED_EVENT
"""The source of every event that is signed rather than sent with a token."""
_LONGEST_ID = 200


@dataclass(frozen=True)
class Signed(Needs):
    """A dependency like `Needs`, for programs that sign what they send, too."""

    refusals = (*Needs.refusals, UnknownSenderError)

    async def who(self, request: Request, desk: Surroundings) -> Caller:
        """Return who sends.

        Raises:
            UnknownSenderError: it is not signed by one of our secrets, or not within five minutes.
            NotSignedInError, UnknownTokenError: there is neither a signature nor a token that is somebody's.
        """
        if "webhook-signature" not in request.headers:
            return await super().who(request, desk)
        _verify(await request.body(), request, desk)
        return Caller(SIGNED, Role.SENDER)


def sender(request: Request, who: Annotated[Caller, Depends(Signed(Permission.SEND_EVENT))]) -> Delivery:
    """Return who sends, and the event's id where a header gives it; empty where the body must."""
    name = "webhook-id" if "webhook-signature" in request.headers else "idempotency-key"
    return Delivery(who.name, request.headers.get(name, ""))


def _verify(body: bytes, request: Request, desk: Surroundings) -> None:
    configured = desk.settings.events_secret
    secrets = [one.strip() for one in configured.get_secret_value().split(",")] if configured else []
    if not any(secrets):
        raise UnknownSenderError("signed events are not configured here: set HOLD_EVENTS_SECRET, or send an API token")
    problem = ""
    for secret in filter(None, secrets):
        try:
            Webhook(secret).verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:  # the library lets malformed base64 through as such
            problem = str(error)
        else:
            return
    raise UnknownSenderError(f"the signature is not one of a sender we know, made in the last five minutes: {problem}")


Sender = Annotated[Delivery, Depends(sender)]


_TAKEN: dict[str, Any] = {
    "status_code": HTTPStatus.ACCEPTED,
    "responses": {HTTPStatus.OK: {"model": TakenEvent, "description": "It was taken before."}},
}


@router.post("/health-prediction", **_TAKEN)
@refuses(UnknownCustomerError, EventConflictError)
async def health_prediction(payload: HealthPrediction, desk: Desk, who: Sender, response: Response) -> TakenEvent:
    """Record a prediction; high risk with prior dispute history proposes a hold."""
    return await _take(desk, who, payload, response)


@router.post("/dispute", **_TAKEN)
@refuses(UnknownCustomerError, EventConflictError, OutOfOrderError)
async def dispute(payload: Dispute, desk: Desk, who: Sender, response: Response) -> TakenEvent:
    """Open or close a dispute; repeated ones propose a hold, one of a held customer its release."""
    return await _take(desk, who, payload, response)


@router.post("/invoice", **_TAKEN)
@refuses(UnknownCustomerError, EventConflictError)
async def invoice(payload: InvoicePosted, desk: Desk, who: Sender, response: Response) -> TakenEvent:
    """Post an invoice, or what has changed of it; an amount of 0 closes it. A credit limit it crosses acts at once."""
    return await _take(desk, who, payload, response)


@router.post("/payment", **_TAKEN)
@refuses(UnknownCustomerError, EventConflictError)
async def payment(payload: PaymentReceived, desk: Desk, who: Sender, response: Response) -> TakenEvent:
    """Post a payment to the named invoice, or to the oldest ones; the rest is a credit."""
    return await _take(desk, who, payload, response)


@router.post("/payment-plan", **_TAKEN)
@refuses(UnknownCustomerError, EventConflictError, OutOfOrderError)
async def payment_plan(payload: PaymentPlanEvent, desk: Desk, who: Sender, response: Response) -> TakenEvent:
    """Agree, break or end a payment plan; one agreed by a held customer proposes the release."""
    return await _take(desk, who, payload, response)


@router.post("/promise-to-pay", **_TAKEN)
@refuses(UnknownCustomerError, EventConflictError)
async def promise_to_pay(payload: Promise, desk: Desk, who: Sender, response: Response) -> TakenEvent:
    """Write down a promise to pay."""
    return await _take(desk, who, payload, response)


async def _take(desk: Surroundings, who: Delivery, payload: Event, response: Response) -> TakenEvent:
    """Answer 202 for what was taken now, 200 with the same body for a repetition.

    A field that makes no sense is answered like one that cannot be read: 422, naming it.
    """
    try:
        taken = await desk.events.take(_named(who, payload), payload)
    except BadEventError as error:
        wrong = {"type": error.code, "loc": ("body", error.field), "msg": str(error)}
        raise RequestValidationError([wrong]) from error
    response.status_code = HTTPStatus.OK if taken.repeated else HTTPStatus.ACCEPTED
    return TakenEvent.of_row(taken)


def _named(who: Delivery, payload: Event) -> Delivery:
    """Settle the event's id: a header's, or the body's."""
    named = who.event_id or payload.event_id
    if not named:
        raise BadEventError("event_id", "name the event: webhook-id, Idempotency-Key, or event_id in the body")
    if payload.event_id not in (None, named):
        raise BadEventError("event_id", "it differs from the header that names the event; give one of them")
    if len(named) > _LONGEST_ID:
        raise BadEventError("event_id", f"at most {_LONGEST_ID} characters")
    return Delivery(who.source, named)
