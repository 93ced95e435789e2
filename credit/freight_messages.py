"""What a held customer, and who works on its loads, are told: what those content templates may use."""

from pydantic import BaseModel

from credit.eligibility import BACK_OFFICE, FRONT_OFFICE, Action

TEMPLATES = (FRONT_OFFICE, BACK_OFFICE)


class OnHoldContext(BaseModel):
    """Everything such a template may name. Notes of the Credit Hold page are not among it: customers read this."""

    customer_id: str
    customer_name: str
    rep_name: str
    """May be empty."""
    blocked: str
    """What is blocked: `Block All Tariffs`, or the tariffs."""
    action: Action
    """What was refused: `order`, `rate` or `advance_load`."""
    reference: str
    """The order or load that was refused; may be empty."""
    tariff: str
    """The tariff that was asked for; may be empty."""


PLACEHOLDERS = {
    "customer_id": "the customer’s number",
    "customer_name": "the customer’s name",
    "rep_name": "the sales rep’s name; may be empty",
    "blocked": "“Block All Tariffs”, or the tariffs that are blocked",
    "action": "what was refused: order, rate or advance_load",
    "reference": "the order or load that was refused; may be empty",
    "tariff": "the tariff that was asked for; may be empty",
}
"""The fields of `OnHoldContext`, for who writes a template."""


def plain(context: OnHoldContext) -> str:
    """Return what is said where the template cannot be used."""
    if context.action.template == BACK_OFFICE:
        return f"Customer {context.customer_id} is on credit hold: the load cannot pass Committed."
    return f"Account {context.customer_id} is on credit hold. Please call us."
