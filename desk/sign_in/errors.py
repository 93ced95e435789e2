"""Why a sign-in or a change of password is refused.

* RefusedError
  + SignInRefusedError     who this is may not come in, or the form was not ours
  + WrongPasswordError     login and password do not fit; it never says which of them
  + TooManyAttemptsError   the login or the address has to wait
  + ProviderFailedError    the OpenID Connect provider did not do its part
"""

import math
from datetime import datetime

from db.errors import RefusedError


class SignInRefusedError(RefusedError):
    """Who this is may not come in."""

    code = "sign_in_refused"


class WrongPasswordError(RefusedError):
    """The password does not fit. `why` is for the audit trail only."""

    code = "wrong_password"

    def __init__(self, why: str) -> None:
        super().__init__("login and password do not fit; ask an admin if you can't get in")
        self.why = why


class TooManyAttemptsError(RefusedError):
    """Too many failed sign-ins of late."""

    code = "too_many_attempts"

    def __init__(self, until: datetime, now: datetime) -> None:
        self.retry_after = max(math.ceil((until - now).total_seconds()), 1)
        minutes = math.ceil(self.retry_after / 60)
        super().__init__(f"too many failed sign-ins: wait {minutes} min, then try again")


class ProviderFailedError(RefusedError):
    """The OpenID Connect provider is away, or its answer can't be trusted."""

    code = "provider_failed"
