"""What waits for a person: proposals to decide, drafts to review, and what only a person can mend.

One order, the oldest and riskiest first:

1. what was escalated, then what is broken, then what is to be decided or reviewed;
2. then by the day it began to wait, the oldest first;
3. within a day by the open amount, the largest first; then by id.

By the day, not the moment: forty proposals of one nightly scan are sorted by what is at stake.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import (
    ColumnElement,
    Date,
    Numeric,
    RowMapping,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.states import Beat, BeatStatus, Delivery, MessageKind, MessageStatus, ProposalKind, ProposalStatus
from credit.triggers import TriggerKind
from db import row_by_row
from db.errors import BadInputError
from db.models import Approval, Claim, Customer, Hold, HoldBeat, HoldTrigger, Message, Proposal, ReleaseRequest

_STUCK_MAIL = (Delivery.REFUSED, Delivery.UNKNOWN)


class QueueKind(StrEnum):
    """What has to be done."""

    HOLD = "hold"
    """Decide a proposal."""
    MESSAGE = "message"
    """Review a drafted e-mail."""
    ATTENTION = "attention"
    """Mend a beat that no retry can mend, or a mail that was refused or may be lost."""


class QueueFilter(BaseModel):
    """Which items are wanted; the defaults want all of them."""

    model_config = ConfigDict(frozen=True)

    kind: QueueKind | None = None
    trigger: TriggerKind | None = None
    min_amount: Decimal | None = None
    claimed: Literal["mine", "unclaimed"] | None = None
    text: str = ""
    """Part of the customer's name or id."""


class QueueItem(BaseModel):
    """One thing that waits for a person."""

    model_config = ConfigDict(frozen=True)

    unreadable: ClassVar[bool] = False

    kind: QueueKind
    hold_id: UUID
    message_id: UUID | None
    """None where the hold itself is to be decided or mended."""
    message_kind: MessageKind | None
    delivery: Delivery | None
    customer_id: str
    customer_name: str
    since: AwareDatetime
    """When it began to wait."""
    revision: int
    """Of the proposal, or of the message."""
    proposal_kind: ProposalKind
    reason: str
    """Why the hold; for a release why it was asked for, for a repair what differs."""
    facts: Facts
    warnings: list[str]
    triggers: list[TriggerKind]
    due_at: AwareDatetime | None
    """When an undecided proposal expires."""
    escalated_at: AwareDatetime | None
    """When it was escalated: nobody had decided in time."""
    broken_beats: list[Beat]
    approved_first_by: str | None
    """Who gave the first of two approvals."""
    claimed_by: str | None
    cursor: str
    """Names the place behind this item."""

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.message_id or self.hold_id}"

    @property
    def mark(self) -> str:
        """The key, and a digest that changes with what a person sees of the item."""
        seen = (
            *(self.revision, self.claimed_by, self.approved_first_by, self.escalated_at, self.delivery),
            *self.broken_beats,
        )
        return f"{self.key}.{hashlib.sha256(repr(tuple(map(str, seen))).encode()).hexdigest()[:8]}"


class UnreadableItem(BaseModel):
    """Stands in the queue for something that waits and cannot be shown: its place, and whose it is."""

    model_config = ConfigDict(frozen=True)

    unreadable: ClassVar[bool] = True

    kind: QueueKind
    hold_id: UUID
    message_id: UUID | None
    customer_id: str
    customer_name: str
    cursor: str

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.message_id or self.hold_id}"

    @property
    def mark(self) -> str:
        """As of an item; it stays the same until the item can be shown."""
        return f"{self.key}.unreadable"


Waiting = QueueItem | UnreadableItem


class _Columns(NamedTuple):
    """The query of everything that waits, with the expressions that filters and the order need."""

    query: Select[*tuple[Any, ...]]
    kind: ColumnElement[str]
    item_id: ColumnElement[UUID]
    since: ColumnElement[datetime]
    amount: ColumnElement[Decimal]
    claimed_by: ColumnElement[str | None]
    order: tuple[ColumnElement[Any], ...]


def page(
    session: Session, wanted: QueueFilter, *, me: str, now: datetime, after: str | None = None, limit: int = 50
) -> list[Waiting]:
    """Return the next items behind the cursor `after`, in the queue's order; `me` is whose claims are `mine`.

    Raises:
        BadInputError: the cursor is not one of ours.
    """
    columns = _everything(now)
    query = columns.query.where(*_conditions(columns, wanted, me))
    if after is not None:
        query = query.where(tuple_(*columns.order) > tuple_(*_place(after)))
    return _items(session, query.order_by(*columns.order).limit(limit))


def counts(session: Session, wanted: QueueFilter, *, me: str, now: datetime) -> dict[QueueKind, int]:
    """Return how many items of each kind wait, whatever kind the filter names."""
    columns = _everything(now)
    everything = wanted.model_copy(update={"kind": None})
    rows = columns.query.where(*_conditions(columns, everything, me)).subquery()
    grouped = select(rows.c.kind, func.count()).group_by(rows.c.kind)
    found: dict[str, int] = {kind: number for kind, number in session.execute(grouped)}  # noqa: C416 (rows are typed only unpacked)
    return {kind: found.get(kind, 0) for kind in QueueKind}


def count_since(session: Session, wanted: QueueFilter, *, me: str, now: datetime, since: datetime) -> int:
    """Return how many of the wanted items began to wait after `since`."""
    columns = _everything(now)
    rows = columns.query.where(*_conditions(columns, wanted, me), columns.since > since).subquery()
    return session.execute(select(func.count()).select_from(rows)).scalar_one()


def items(session: Session, keys: Sequence[str], *, now: datetime) -> dict[str, Waiting]:
    """Return those of the named items that still wait, by key."""
    columns = _everything(now)
    named = columns.kind + literal("-") + cast(columns.item_id, Text)
    return {item.key: item for item in _items(session, columns.query.where(named.in_(keys)))}


def _everything(now: datetime) -> _Columns:
    broken = (
        select(HoldBeat.hold_id, func.min(func.coalesce(HoldBeat.started_at, Hold.proposed_at)).label("since"))
        .join(Hold, Hold.id == HoldBeat.hold_id)
        .where(HoldBeat.status == BeatStatus.NEEDS_ATTENTION)
        .group_by(HoldBeat.hold_id)
        .subquery()
    )
    stuck = Message.delivery.in_(_STUCK_MAIL)
    waiting = union_all(
        select(
            literal(QueueKind.HOLD, Text).label("kind"),
            Proposal.hold_id,
            cast(null(), Message.id.type).label("message_id"),
            Proposal.opened_at.label("since"),
        ).where(Proposal.status == ProposalStatus.OPEN),
        select(
            case((stuck, literal(QueueKind.ATTENTION, Text)), else_=literal(QueueKind.MESSAGE, Text)),
            Message.hold_id,
            Message.id,
            Message.drafted_at,
        ).where(
            or_(Message.status == MessageStatus.PENDING_REVIEW, and_(Message.status == MessageStatus.APPROVED, stuck))
        ),
        select(literal(QueueKind.ATTENTION, Text), broken.c.hold_id, cast(null(), Message.id.type), broken.c.since),
    ).subquery("waiting")
    newest = (
        select(Proposal)
        .where(Proposal.hold_id == waiting.c.hold_id)
        .order_by(Proposal.revision.desc())
        .limit(1)
        .lateral("newest")
    )
    decides = waiting.c.kind == QueueKind.HOLD
    claimed_by = (
        select(Claim.holder)
        .where(Claim.released_at.is_(None), Claim.expires_at > now)
        .where(
            or_(
                and_(decides, Claim.proposal_id == newest.c.id),
                and_(waiting.c.kind == QueueKind.MESSAGE, Claim.message_id == waiting.c.message_id),
            )
        )
        .scalar_subquery()
    )
    approved_first_by = (
        select(Approval.actor)
        .where(decides, Approval.proposal_id == newest.c.id, Approval.revision == newest.c.revision)
        .scalar_subquery()
    )
    asked_for_release = (
        select(ReleaseRequest.reason)
        .where(ReleaseRequest.proposal_id == newest.c.id)
        .order_by(ReleaseRequest.at, ReleaseRequest.id)
        .limit(1)
        .scalar_subquery()
    )
    reason = case(
        (and_(decides, newest.c.kind == ProposalKind.RELEASE), func.coalesce(asked_for_release, "")),
        (and_(decides, newest.c.kind == ProposalKind.REPAIR), newest.c.note),
        else_=Hold.reason,
    )
    amount = _amount(newest.c.facts["total_open"].astext)
    item_id = func.coalesce(waiting.c.message_id, waiting.c.hold_id)
    order = (
        case(
            (and_(decides, newest.c.escalated_at.is_not(None)), 0), (waiting.c.kind == QueueKind.ATTENTION, 1), else_=2
        ),
        cast(waiting.c.since, Date),
        -amount,
        item_id,
    )
    query = (
        select(
            waiting.c.kind,
            waiting.c.hold_id,
            waiting.c.message_id,
            waiting.c.since,
            Message.kind.label("message_kind"),
            Message.delivery,
            Customer.id.label("customer_id"),
            Customer.name.label("customer_name"),
            func.coalesce(Message.revision, newest.c.revision).label("revision"),
            newest.c.kind.label("proposal_kind"),
            newest.c.facts,
            newest.c.warnings,
            case((decides, newest.c.due_at)).label("due_at"),
            case((decides, newest.c.escalated_at)).label("escalated_at"),
            reason.label("reason"),
            claimed_by.label("claimed_by"),
            approved_first_by.label("approved_first_by"),
            *(column.label(f"order_{number}") for number, column in enumerate(order)),
        )
        .select_from(waiting)
        .join(Hold, Hold.id == waiting.c.hold_id)
        .join(Customer, Customer.id == Hold.customer_id)
        .join(newest, true())
        .outerjoin(Message, Message.id == waiting.c.message_id)
    )
    return _Columns(query, waiting.c.kind, item_id, waiting.c.since, amount, claimed_by, order)


def _conditions(columns: _Columns, wanted: QueueFilter, me: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        found.append(columns.kind == wanted.kind)
    if wanted.min_amount is not None:
        found.append(columns.amount >= wanted.min_amount)
    if wanted.trigger is not None:
        found.append(exists().where(HoldTrigger.hold_id == Hold.id, HoldTrigger.kind == wanted.trigger))
    if wanted.claimed == "mine":
        found.append(columns.claimed_by == me)
    if wanted.claimed == "unclaimed":
        found.append(columns.claimed_by.is_(None))
    if text := wanted.text.strip():
        found.append(or_(Customer.name.icontains(text, autoescape=True), Customer.id.icontains(text, autoescape=True)))
    return found


def _amount(text: ColumnElement[str]) -> ColumnElement[Decimal]:
    """Build an amount from stored facts; nothing where they have none that is a number."""
    return case((text.regexp_match(r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$"), cast(text, Numeric)), else_=0)


def _items(session: Session, query: Select[*tuple[Any, ...]]) -> list[Waiting]:
    rows = session.execute(query).mappings().all()
    ids = {row["hold_id"] for row in rows}
    triggers: dict[UUID, list[TriggerKind]] = {}
    by_hold = select(HoldTrigger.hold_id, HoldTrigger.kind).where(HoldTrigger.hold_id.in_(ids)).order_by(HoldTrigger.at)
    for hold_id, kind in session.execute(by_hold):
        if hold_id is not None and kind not in triggers.setdefault(hold_id, []):
            triggers[hold_id].append(kind)
    beats: dict[UUID, list[Beat]] = {}
    broken = select(HoldBeat.hold_id, HoldBeat.beat).where(
        HoldBeat.hold_id.in_(ids), HoldBeat.status == BeatStatus.NEEDS_ATTENTION
    )
    for hold_id, beat in session.execute(broken):
        beats.setdefault(hold_id, []).append(beat)
    return row_by_row.build(
        rows,
        lambda row: _item(row, triggers.get(row["hold_id"], []), sorted(beats.get(row["hold_id"], []))),
        _unreadable,
    )


def _unreadable(row: RowMapping) -> UnreadableItem:
    return UnreadableItem(
        **{name: row[name] for name in UnreadableItem.model_fields if name in row}, cursor=_cursor(row)
    )


def _item(row: RowMapping, triggers: list[TriggerKind], broken: list[Beat]) -> QueueItem:
    about_beats = row["kind"] == QueueKind.ATTENTION and row["message_id"] is None
    return QueueItem(
        **{name: row[name] for name in QueueItem.model_fields if name in row},
        triggers=triggers,
        broken_beats=broken if about_beats else [],
        cursor=_cursor(row),
    )


def _cursor(row: RowMapping) -> str:
    return "_".join(str(row[f"order_{number}"]) for number in range(4))


def _place(cursor: str) -> tuple[ColumnElement[Any], ...]:
    try:
        band, day, amount, item_id = cursor.split("_")
        return (
            literal(int(band)),
            literal(date.fromisoformat(day)),
            literal(Decimal(amount), Numeric),
            literal(UUID(item_id)),
        )
    except (ValueError, InvalidOperation) as error:
        raise BadInputError("this is not a place in the queue: open the queue anew") from error
