"""Customer health prediction: when a predicted risk may propose a hold."""

from enum import StrEnum

from credit.wording import counted


class Risk(StrEnum):
    """How likely a model finds that a customer stops paying."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def proposes_hold(risk: Risk, disputes_ever: int) -> bool:
    """Whether a prediction is a trigger: "a high-risk customer with prior dispute history" (service-hold spec)."""
    return risk is Risk.HIGH and disputes_ever > 0


def why(risk: Risk, disputes_ever: int) -> str:
    """Say why a prediction proposes a hold, or is recorded only."""
    if proposes_hold(risk, disputes_ever):
        return f"high risk is predicted for a customer with {counted(disputes_ever, 'dispute')} on record"
    if risk is Risk.HIGH:
        return "high risk is predicted, but the customer never disputed an invoice: recorded only"
    return f"the predicted risk is {risk}, not high: recorded only"
