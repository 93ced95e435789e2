"""One event being taken: what it meets, what comes of it, and what its hold is to be told."""

from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel

from credit import composed
from credit.audit_entries.receivables import Noted
from credit.credit_limit import LimitCause, LimitState
from credit.events import EventOutcome
from credit.policy import Policy
from credit.states import ReleaseCause
from credit.triggers import Trigger, TriggerKind
from db import audit
from db.act import Act
from db.errors import BadEventError
from db.freight import credit_limits
from db.models import Hold, InboundEvent
from db.models.base import JsonObject
from db.receivables import payments
from workflows.contract import FactsChangedSignal, ReleaseSignal


@dataclass
class Taking:
    """One event being taken: what it meets, and what comes of it."""

    act: Act
    """The sender's."""
    event: InboundEvent
    hold: Hold | None
    """The customer's open hold, locked."""
    policy: Policy
    outcome: EventOutcome = EventOutcome.RECORDED
    why: str = ""
    tell: list[JsonObject] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of everything this event asks of a hold: the same however often it is told."""
        return f"event/{uuid5(NAMESPACE_URL, f'{self.event.source} {self.event.id}')}"

    def known_invoice(self, invoice_id: str) -> None:
        """Refuse an invoice that the customer does not have.

        Raises:
            BadEventError: naming the field.
        """
        if payments.invoice_of(self.act.session, self.event.customer_id, invoice_id) is None:
            raise BadEventError("invoice_id", f"customer {self.event.customer_id} has no invoice {invoice_id!r}")

    def ledger_currency(self, currency: str) -> None:
        """Refuse a currency that the ledger is not kept in.

        Raises:
            BadEventError: naming the field.
        """
        if currency != self.policy.ledger_currency:
            raise BadEventError("currency", f"the ledger is kept in {self.policy.ledger_currency}, not in {currency}")

    def limits_crossed(self, cause: LimitCause) -> list[str]:
        """Judge the customer's credit limit; returns what was crossed. After the amounts, before anything is noted."""
        crossed = credit_limits.evaluate(self.act, [self.event.customer_id], cause=cause)
        return [_in_words(one) for one in crossed]

    def note(self, kind: type[Noted], why: str) -> None:
        """Say what happened, on the record of the hold where one is open, else on the customer's."""
        self.why = composed.reason(why)
        entry = kind(why=self.why, event=self.event.id, customer_id=self.event.customer_id)
        chain = self.hold.id if self.hold else credit_limits.chain_of(self.event.customer_id)
        self.act.note(chain, entry)

    def facts_changed(self) -> None:
        """Have an open hold look at its facts."""
        if self.hold is not None:
            self.event.noted = audit.newest_seq(self.act.session, self.hold.id)
            what, by, at = self.event.kind, self.act.actor, self.act.now
            self._tell("facts_changed", FactsChangedSignal(id=self.id, what=what, why=self.why, actor=by, at=at))

    def trigger(self, kind: TriggerKind, reason: str) -> None:
        """Propose a hold, or add evidence to the one that is open."""
        self.outcome = EventOutcome.HOLD_RECOMMENDED
        why = composed.reason(reason)
        self._tell("trigger", Trigger(id=self.id, kind=kind, reason=why, actor=self.act.actor, at=self.act.now))

    def request_release(self, cause: ReleaseCause, reason: str) -> None:
        """Propose to release the hold that was approved."""
        self.outcome = EventOutcome.RELEASE_REQUESTED
        why = composed.reason(reason)
        signal = ReleaseSignal(id=self.id, cause=cause, reason=why, actor=self.act.actor, at=self.act.now)
        self._tell("request_release", signal)

    def _tell(self, signal: str, payload: BaseModel) -> None:
        self.tell.append({"signal": signal, "payload": payload.model_dump(mode="json")})


def _in_words(crossed: credit_limits.Transition) -> str:
    state = "exceeded" if crossed.after is LimitState.EXCEEDED else "met again"
    done = ", now on credit hold" if crossed.applied else ", block lifted" if crossed.lifted else ""
    return f"customer {crossed.customer_id}'s credit limit is {state}{done}"
