"""Why a sign-in or a change of password is refused."""

import math
from datetime import datetime
from http import HTTPStatus

from db.errors import RefusedError


class SignInRefusedError(RefusedError):
    code = "sign_in_refused"
    status = HTTPStatus.FORBIDDEN


class WrongPasswordError(RefusedError):
    """The password does not fit. `why` is for the audit trail only."""

    code = "wrong_password"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, why: str) -> None:
        super().__init__("login and password do not fit; ask an admin if you can't get in")
        self.why = why


class OneTimePasswordOverError(RefusedError):
    """The password is right, and was for one session that was opened already, or never in time."""

    code = "one_time_password_over"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, login: str) -> None:
        super().__init__(
            "this one-time password was used already, or is older than 24 hours: have an admin give you a new one "
            f"(`hold user reset-password {login}`)"
        )


class TooManyAttemptsError(RefusedError):
    code = "too_many_attempts"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, until: datetime, now: datetime) -> None:
        self.retry_after = max(math.ceil((until - now).total_seconds()), 1)
        minutes = math.ceil(self.retry_after / 60)
        super().__init__(f"too many failed sign-ins: wait {minutes} min, then try again")


class ProviderFailedError(RefusedError):
    """The OpenID Connect provider is away, or its answer can't be trusted."""

    code = "provider_failed"
    status = HTTPStatus.BAD_GATEWAY
