"""Holds, what people are asked to decide about them, and the beats that carry a decision out."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from credit.states import OPEN_HOLD, Beat, BeatStatus, HoldStatus, ProposalKind, ProposalStatus, ReleaseCause, Verdict
from credit.triggers import TriggerKind
from db.models.base import AppendOnly, Base, JsonList, JsonObject, Stamp, Uuid, states
from db.models.customers import Customer

_OPEN = ", ".join(f"'{status}'" for status in OPEN_HOLD)


class Hold(Base):
    """One hold, from proposal to release. A customer has one open hold at most."""

    __tablename__ = "holds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    status: Mapped[HoldStatus] = mapped_column(states(HoldStatus, "status"))
    reason: Mapped[str]
    warnings: Mapped[JsonList]
    as_of_shift_days: Mapped[int] = mapped_column(default=0, server_default="0")
    """Added to the business day whenever facts are read: not 0 only for a scan of an older ledger."""
    prior_entitystatus: Mapped[str | None]
    """What beat 1 found; a release restores it."""
    workflow_id: Mapped[str] = mapped_column(Computed("'service-hold/' || customer_id", persisted=True))
    """`workflows.contract.service_hold_id`: made of the customer's id, so that no other workflow takes a hold over."""
    run_id: Mapped[str]
    proposed_at: Mapped[datetime]
    end_date: Mapped[date | None]
    """On this day its release is proposed."""
    review_date: Mapped[date | None]
    """On this day somebody should look at it again."""
    situation: Mapped[JsonObject | None]
    """`credit.outcomes.Situation` as it was seen last; null until the hold was approved."""
    next_review_at: Mapped[datetime | None]
    """When it is looked at next, at the latest."""
    in_force_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(lazy="raise")
    beats: Mapped[list["HoldBeat"]] = relationship(lazy="raise")
    triggers: Mapped[list["HoldTrigger"]] = relationship(lazy="raise", order_by="HoldTrigger.at")

    __table_args__ = (
        Index("uq_holds_one_open", "customer_id", unique=True, postgresql_where=text(f"status IN ({_OPEN})")),
        Index("ix_holds_customer_id", "customer_id", "proposed_at"),
        Index("ix_holds_status", "status", "proposed_at"),
        CheckConstraint(f"(closed_at IS NULL) = (status IN ({_OPEN}))", name="closed_when_over"),
    )


class HoldTrigger(AppendOnly, Base):
    """One trigger that reached a hold: the first proposed it, later ones are evidence."""

    __tablename__ = "hold_triggers"

    id: Mapped[str] = mapped_column(primary_key=True)
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    """Null for an automatic trigger that was turned away."""
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    kind: Mapped[TriggerKind] = mapped_column(states(TriggerKind, "kind"))
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    opened: Mapped[bool]
    """Whether this trigger opened the hold."""
    refusal: Mapped[str | None]
    facts: Mapped[JsonObject | None]
    recorded_at: Mapped[Stamp]

    __table_args__ = (
        Index("ix_hold_triggers_hold_id", "hold_id"),
        Index("uq_hold_triggers_opener", "hold_id", unique=True, postgresql_where=text("opened")),
        CheckConstraint("(hold_id IS NULL) = (refusal IS NOT NULL)", name="refused_or_held"),
    )


class Proposal(Base):
    """Something a person is asked to decide. A hold has one open proposal at most."""

    __tablename__ = "proposals"

    id: Mapped[Uuid]
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    kind: Mapped[ProposalKind] = mapped_column(states(ProposalKind, "kind"))
    status: Mapped[ProposalStatus] = mapped_column(states(ProposalStatus, "status"))
    revision: Mapped[int]
    """Starts at 1 for a hold and only rises: a proposal that came back continues its predecessor's count."""
    facts: Mapped[JsonObject]
    """`credit.facts.Facts` as shown at this revision."""
    warnings: Mapped[JsonList]
    note: Mapped[str]
    policy_version: Mapped[int] = mapped_column(ForeignKey("policies.version"))
    asked_by: Mapped[str] = mapped_column(default="", server_default="")
    """Who asked for what is proposed: a login, a program's name, or `service-holds` for the system itself."""
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why they asked for it: a release's is not its hold's."""
    returns_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposals.id"))
    """The approved proposal whose case had weakened, for which this one asks again (docs/decisions/0009)."""
    return_reasons: Mapped[JsonList | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    remind_at: Mapped[datetime | None]
    """When approvers are reminded next."""
    escalate_at: Mapped[datetime | None]
    """When it is escalated; null where it was, or never will be."""
    escalated_at: Mapped[datetime | None]
    escalated_to: Mapped[str | None]
    """The group it was escalated to."""
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_proposals_one_open", "hold_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("ix_proposals_hold_id", "hold_id", "opened_at"),
        UniqueConstraint("returns_id"),
        CheckConstraint("revision >= 1", name="revision_counts_from_one"),
        CheckConstraint("(settled_at IS NULL) = (status = 'open')", name="settled_when_not_open"),
    )


class ReleaseRequest(AppendOnly, Base):
    """Somebody or something asked for a release: what became of it."""

    __tablename__ = "release_requests"

    id: Mapped[str] = mapped_column(primary_key=True)
    """Makes a repeated delivery harmless."""
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    proposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposals.id"))
    """The proposal that it opened or joined; null where it was refused."""
    cause: Mapped[ReleaseCause] = mapped_column(states(ReleaseCause, "cause"))
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    refusal: Mapped[str | None]

    __table_args__ = (
        Index("ix_release_requests_hold_id", "hold_id"),
        Index("ix_release_requests_proposal_id", "proposal_id"),
        CheckConstraint("(proposal_id IS NULL) = (refusal IS NOT NULL)", name="refused_or_proposed"),
    )


class Claim(Base):
    """A person's exclusive leased right to decide a proposal or message, one live at most (service-hold spec, R560)."""

    __tablename__ = "claims"

    id: Mapped[Uuid]
    proposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposals.id"))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    holder: Mapped[str]
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    released_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_claims_one_live", "proposal_id", unique=True, postgresql_where=text("released_at IS NULL")),
        Index("uq_claims_one_live_of_message", "message_id", unique=True, postgresql_where=text("released_at IS NULL")),
        UniqueConstraint("id", "proposal_id"),
        UniqueConstraint("id", "message_id"),
        CheckConstraint("num_nonnulls(proposal_id, message_id) = 1", name="of_one_thing"),
        CheckConstraint("expires_at > claimed_at", name="lease_positive"),
    )


class Decision(Base):
    """What a person decided: one per proposal. Also the outbox of the `decide` signal, until `applied_at` is set."""

    __tablename__ = "decisions"

    id: Mapped[Uuid]
    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id"), unique=True)
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"))
    claim_id: Mapped[UUID]
    revision: Mapped[int]
    verdict: Mapped[Verdict] = mapped_column(states(Verdict, "verdict"))
    keep_block: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    """For a decline after auto-apply: whether the freight block stays."""
    reason: Mapped[str]
    actor: Mapped[str]
    on_behalf_of: Mapped[JsonList] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    """The absent people who may decide, and for whom the actor stood in."""
    decided_at: Mapped[datetime]
    effective_at: Mapped[datetime]
    """Until then, on the clock of who decided, an approval can be taken back."""
    heard_at: Mapped[datetime | None]
    """When the workflow heard of an approval that can be taken back: on its clock the time counts from here."""
    sent_at: Mapped[datetime | None]
    """When the signal was last sent."""
    applied_at: Mapped[datetime | None]
    """When the workflow obeyed, or the decision was taken back."""
    outcome: Mapped[str | None]
    """What became of it: `approved`, `declined`, `returned`, `undone`, or `overtaken` by the hold's release."""

    __table_args__ = (
        ForeignKeyConstraint(["claim_id", "proposal_id"], ["claims.id", "claims.proposal_id"]),
        Index("ix_decisions_hold_id", "hold_id"),
        Index("ix_decisions_outbox", "decided_at", postgresql_where=text("applied_at IS NULL")),
        CheckConstraint("(applied_at IS NULL) = (outcome IS NULL)", name="outcome_when_applied"),
    )


class Approval(AppendOnly, Base):
    """The first of two approvals, where the amount asks for two people. It counts for the revision it was made on."""

    __tablename__ = "approvals"

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[str]
    on_behalf_of: Mapped[JsonList] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    """As of a decision."""
    reason: Mapped[str]
    at: Mapped[datetime]


class HoldBeat(Base):
    """Where one beat of one hold stands."""

    __tablename__ = "hold_beats"

    hold_id: Mapped[UUID] = mapped_column(ForeignKey("holds.id"), primary_key=True)
    beat: Mapped[Beat] = mapped_column(states(Beat, "beat"), primary_key=True)
    status: Mapped[BeatStatus] = mapped_column(states(BeatStatus, "status"))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]
    stopped: Mapped[str | None]
    """Why a person stopped the tries; they go on at the next retry."""
    started_at: Mapped[datetime | None]
    """When it was tried first, or stopped by a person before."""
    done_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(done_at IS NOT NULL) = (status = 'done')", name="done_when_done"),
        CheckConstraint("status <> 'needs_attention' OR started_at IS NOT NULL", name="attention_since"),
        Index("ix_hold_beats_unfinished", "status", postgresql_where=text("status NOT IN ('done', 'skipped')")),
    )
