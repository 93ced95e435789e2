"""A prediction of a customer's health: high risk with a history of disputes proposes a hold."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from credit import health
from credit.audit_entries import receivables as entries
from credit.events import EventKind
from credit.health import Risk
from credit.triggers import TriggerKind
from db.receivables import disputes, events
from services.receivables.event import Event, Implausible, Line, Text, past
from services.receivables.taking import Taking

Score = Annotated[Decimal, Field(ge=0, le=1), AfterValidator(lambda score: round(score, 4))]


class HealthPrediction(Event):
    """A model's prediction of whether a customer will go on paying."""

    kind = EventKind.HEALTH_PREDICTION

    risk: Risk
    score: Score | None = None
    """0 to 1, as the model gave it."""
    model: Line
    reason: Text = ""
    predicted_at: AwareDatetime

    def implausible(self, today: date) -> Implausible:
        """Yield what cannot be true today."""
        yield from past("predicted_at", self.predicted_at, today)

    def take(self, taking: Taking) -> None:
        """Keep the prediction; propose a hold where the rule says so."""
        before = disputes.ever(taking.act.session, self.customer_id)
        proposed = health.proposes_hold(self.risk, before)
        events.record_risk(
            taking.act.session,
            taking.event,
            risk=self.risk,
            score=self.score,
            model=self.model,
            reason=self.reason,
            predicted_at=self.predicted_at,
            disputes_before=before,
            proposed=proposed,
        )
        taking.note(entries.HealthPredicted, f"{self.model}: {health.why(self.risk, before)}")
        if proposed:
            taking.trigger(TriggerKind.CUSTOMER_HEALTH, f"{taking.why}. {self.reason}".strip())
