"""What was asked of the workflows, and by whom: written by the authority that checked who asks."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.states import ReleaseCause, RequestKind
from credit.triggers import TriggerKind
from db.models.base import Base, states


class HoldRequest(Base):
    """One thing that was asked for. A signal carries its id; everything else is believed from here only.

    Of triggers and releases also the outbox, until `handled_at` is set.
    """

    __tablename__ = "hold_requests"

    id: Mapped[str] = mapped_column(primary_key=True)
    """Of a trigger or a release: its own, the same however often it is told. Of a run: its workflow's."""
    what: Mapped[RequestKind] = mapped_column(states(RequestKind, "what"))
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("holds.id"))
    """The hold whose release was asked for."""
    kind: Mapped[TriggerKind | None] = mapped_column(states(TriggerKind, "kind"))
    cause: Mapped[ReleaseCause | None] = mapped_column(states(ReleaseCause, "cause"))
    reason: Mapped[str]
    actor: Mapped[str]
    asked_at: Mapped[datetime]
    as_of: Mapped[date | None]
    """The day whose receivables a trigger looked at, where it was not the day of `asked_at`."""
    adopt_prior: Mapped[str | None]
    """What a trigger wants its hold's release to write: the customer is ON in NetSuite already."""
    tried_at: Mapped[datetime | None]
    """When telling the hold was last tried."""
    handled_at: Mapped[datetime | None]
    """When what became of it was seen to be there; at once for what its own workflow sees through."""

    __table_args__ = (
        Index("ix_hold_requests_customer_id", "customer_id", "asked_at"),
        Index("ix_hold_requests_outbox", "asked_at", postgresql_where=text("handled_at IS NULL")),
        CheckConstraint("id <> ''", name="id_not_empty"),
        CheckConstraint("adopt_prior IS NULL OR (what = 'trigger' AND adopt_prior IN ('AUTO', 'OFF'))", name="adopts"),
        CheckConstraint("(what IN ('trigger', 'release')) = (customer_id IS NOT NULL)", name="of_a_customer"),
        CheckConstraint("(what = 'trigger') = (kind IS NOT NULL)", name="kind_of_a_trigger"),
        CheckConstraint("(what = 'release') = (cause IS NOT NULL)", name="cause_of_a_release"),
        CheckConstraint("(what = 'release') = (hold_id IS NOT NULL)", name="hold_of_a_release"),
    )
