"""Beats 2 and 3, and what happens to drafts under review. Nothing here sends anything."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import serving
from activities.attempts import beat_in_one_transaction
from credit import templates
from credit.audit_entries.messages import MessageDrafted
from credit.states import RELEASING, Beat, HoldStatus, MessageKind, ProposalKind
from credit.templates import MessageContext, TemplateRefusedError
from credit.triggers import reason_class
from db import customers, policies
from db.act import Act
from db.holds import holds, proposals
from db.messages import messages, review
from db.messages import templates as texts
from db.models import Hold, Message, SalesRep
from db.receivables import receivables
from rendering.texts import filled_in
from workflows.contract import MessageView
from workflows.signatures import Drafted, HeedMessageSignal, HoldAt, MessageAt, RunBeat, WithdrawMessage

_FOR_THE_REP = (MessageKind.SALES_REP, MessageKind.SALES_REP_RELEASE)
_KINDS = {
    Beat.NOTIFY_SALES_REP: (MessageKind.SALES_REP, templates.SALES_REP),
    Beat.DRAFT_CUSTOMER_NOTICE: (MessageKind.CUSTOMER_NOTICE, templates.CUSTOMER_NOTICE),
    Beat.TELL_SALES_REP: (MessageKind.SALES_REP_RELEASE, templates.SALES_REP_RELEASE),
    Beat.DRAFT_RELEASE_NOTICE: (MessageKind.RELEASE_NOTICE, templates.RELEASE_NOTICE),
}


class MessageActivities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def draft_message(self, order: RunBeat) -> Drafted:
        """Draft the sales rep's message or the customer's notice from its template (service-hold spec, beats 2, 3).

        Raises:
            ApplicationError: `TemplateRefused`, non-retryable: somebody has to mend the template.
        """
        with beat_in_one_transaction(self._engine, order, *_KINDS) as act:
            kind, name = _KINDS[order.beat]
            if act is not None:
                _draft(act, order, kind, name)
        return Drafted(message_id=messages.message_id(order.hold_id, kind), kind=kind)

    @activity.defn(no_thread_cancel_exception=True)
    def unsent_messages(self, order: HoldAt) -> list[UUID]:
        with serving.checked(self._engine) as session:
            serving.hold(session, order.hold_id, order.now, (HoldStatus.RELEASING, HoldStatus.RELEASED))
            return messages.unsent_of(session, order.hold_id)

    @activity.defn(no_thread_cancel_exception=True)
    def withdraw_message(self, order: WithdrawMessage) -> str:
        with serving.acting(self._engine, order.now) as act:
            serving.message(act.session, order.message_id, order.now)
            return messages.withdraw(act, order.message_id)

    @activity.defn(no_thread_cancel_exception=True)
    def read_message(self, order: MessageAt) -> MessageView:
        with serving.checked(self._engine) as session:
            serving.message(session, order.message_id, order.now)
            return view(session, review.take_up(session, order.message_id, order.now), order.now)

    @activity.defn(no_thread_cancel_exception=True)
    def heed_message_signal(self, order: HeedMessageSignal) -> MessageView:
        with serving.acting(self._engine, order.now) as act:
            serving.message(act.session, order.message_id, order.now)
            is_news = review.heed(act, order.message_id, signal=order.signal, decision_id=order.decision_id)
            return view(act.session, messages.lock(act.session, order.message_id), order.now, is_news=is_news)


def _draft(act: Act, order: RunBeat, kind: MessageKind, name: str) -> None:
    session = act.session
    hold = holds.lock(session, order.hold_id)
    customer = customers.get(session, hold.customer_id)
    context = _context(session, hold, order)
    if kind is MessageKind.CUSTOMER_NOTICE:
        name = templates.customer_notice(context.reason_class)
    source = texts.for_customer(session, name, customer)
    try:
        text = filled_in(name, source.subject, source.body, context)
    except TemplateRefusedError as error:
        advice = "mend it in the settings, then try the beat again"
        raise ApplicationError(f"{error}; {advice}", type="TemplateRefused", non_retryable=True) from error
    recipient = _address(customer.sales_rep) if kind in _FOR_THE_REP else customer.email
    drafted = messages.draft(
        session, hold_id=hold.id, kind=kind, recipient=recipient, source=source, text=text, at=act.now
    )
    act.note(hold.id, MessageDrafted(message_id=drafted, kind=kind, recipient_known=recipient is not None))


def view(session: Session, row: Message, now: datetime, *, is_news: bool = False) -> MessageView:
    return MessageView(
        status=row.status,
        revision=row.revision,
        delivery=row.delivery,
        wait=max(messages.left(session, row, now), timedelta(0)),
        error=row.delivery_error,
        is_news=is_news,
    )


def _context(session: Session, hold: Hold, order: RunBeat) -> MessageContext:
    _, policy = policies.current(session)
    customer = customers.get(session, hold.customer_id)
    facts = proposals.read_facts(session, hold, policy, order.now)
    invoices = receivables.open_invoices(session, hold.customer_id)
    ground = reason_class(holds.trigger_kinds(session, hold.id))
    return MessageContext(
        customer_id=customer.id,
        customer_name=customer.name,
        rep_name=customer.sales_rep.name if customer.sales_rep else "",
        reason=_reason(session, hold, order.beat),
        facts=facts,
        invoices=invoices,
        next_call=templates.recommended_next_call(facts, invoices, ground),
        reason_class=ground,
    )


def _reason(session: Session, hold: Hold, beat: Beat) -> str:
    """Return why the hold was placed; for the messages of its release, why it is lifted."""
    if beat not in RELEASING:
        return hold.reason
    newest = holds.newest_proposal(session, hold.id)
    return newest.reason if newest.kind is ProposalKind.RELEASE and newest.reason else hold.reason


def _address(rep: SalesRep | None) -> str | None:
    return rep.email if rep else None
