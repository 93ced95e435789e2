"""Why the database refuses something a person asked for.

* RefusedError
  + UnknownCustomerError     no such customer
  + UnknownHoldError         no such hold, or the customer has none open
  + NothingToDecideError     the hold has no open proposal (any more)
  + ClaimedByAnotherError    somebody else holds the claim
  + ClaimLostError           the claim named is not yours, has ended or has run out
  + StaleRevisionError       the proposal has moved on since it was shown
  + UnknownTokenError        no such token, or a revoked one
"""

from datetime import datetime
from typing import ClassVar


class RefusedError(Exception):
    """Something asked for was refused. The text says what to do; `code` is stable, for programs."""

    code: ClassVar[str] = "refused"


class UnknownCustomerError(RefusedError, LookupError):
    """No customer has this id."""

    code = "unknown_customer"

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"no customer {customer_id!r}: import it first with `hold ar import`, or check the id")
        self.customer_id = customer_id


class UnknownHoldError(RefusedError, LookupError):
    """Nothing matches, neither a hold's id nor a customer with a hold."""

    code = "unknown_hold"

    def __init__(self, name: str) -> None:
        super().__init__(f"no hold matches {name!r}: give a hold's id or a customer's id; `hold list` shows them")


class NothingToDecideError(RefusedError):
    """The proposal was settled already, or there never was one."""

    code = "nothing_to_decide"

    def __init__(self, customer_id: str, state: str) -> None:
        super().__init__(f"customer {customer_id} has nothing to decide: {state}")
        self.state = state


class ClaimedByAnotherError(RefusedError):
    """Somebody else is deciding this one."""

    code = "claimed_by_another"

    def __init__(self, holder: str, until: datetime) -> None:
        super().__init__(f"claimed by {holder} until {until:%Y-%m-%d %H:%M:%S} UTC: ask them, or wait for the lease")
        self.holder = holder
        self.until = until


class ClaimLostError(RefusedError):
    """The claim does not entitle to this decision."""

    code = "claim_lost"

    def __init__(self, why: str) -> None:
        super().__init__(f"the claim does not hold: {why}; claim the proposal again and look at it again")


class StaleRevisionError(RefusedError):
    """What was decided on is not what is proposed now."""

    code = "stale_revision"

    def __init__(self, shown: int, current: int) -> None:
        super().__init__(f"you decided on revision {shown}, the proposal is at revision {current}: look at it again")
        self.shown = shown
        self.current = current


class UnknownTokenError(RefusedError):
    """The token is not known here."""

    code = "unknown_token"

    def __init__(self) -> None:
        super().__init__("this token is not known or was revoked: make one with `hold token create`, set HOLD_TOKEN")
