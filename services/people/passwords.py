"""Passwords of local accounts: Argon2id, and which ones are refused."""

import re
import secrets
from functools import cache
from http import HTTPStatus

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from db.errors import RefusedError

MIN_LENGTH = 12
MAX_LENGTH = 1000
"""Characters; a longer one would only cost time."""

_JUDGED = 72
"""Characters that are judged: what that costs grows faster than the length."""
_STRONG = 4
"""Of zxcvbn's scores, 0 to 4: at least 10^10 guesses."""
_OURS = ("service", "hold", "holds", "credit", "netsuite", "temporal")

_hasher = PasswordHasher()


class WeakPasswordError(RefusedError, ValueError):
    """The password would be guessed."""

    code = "weak_password"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


def one_time() -> str:
    """Return a password of 96 random bits, in groups that a person can type."""
    digits = secrets.token_hex(12)
    return "-".join(digits[at : at + 6] for at in range(0, len(digits), 6))


def hashed(password: str) -> str:
    """Return the password's Argon2id hash, with its parameters and a fresh salt."""
    return _hasher.hash(password)


@cache
def nobodys() -> str:
    """Return what a password is compared with where there is no such login, so that both answers take as long.

    A process that checks passwords makes it when it starts: making it costs as much as a check.
    """
    return hashed(secrets.token_urlsafe(32))


def matches(password: str, password_hash: str | None) -> bool:
    """Whether this is the password. It takes as long where there is no hash to compare with."""
    try:
        _hasher.verify(password_hash or nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_strength(password: str, *, login: str, about: str = "") -> None:
    """Refuse a password that is too short, or that somebody who tries the usual ones would find.

    Guesses are counted as by Wheeler, "zxcvbn: Low-Budget Password Strength Estimation" (USENIX Security 2016).

    Args:
        password: What was typed.
        login: Whose it is to be.
        about: What else is known of the person: name, e-mail address.

    Raises:
        WeakPasswordError: it is; the text says why.
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415 (its dictionaries take time and memory, and few processes need them)

    if len(password) < MIN_LENGTH:
        raise WeakPasswordError(f"the new password is too short: take at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        raise WeakPasswordError(f"the new password is too long: take at most {MAX_LENGTH} characters")
    if login.casefold() in password.casefold():
        raise WeakPasswordError("the new password contains the login: take another one")
    known = {*_OURS, *re.findall(r"\w{3,}", f"{login} {about}".casefold())}
    found = zxcvbn(password[:_JUDGED], user_inputs=sorted(known), max_length=_JUDGED)
    if found["score"] < _STRONG:
        why = found["feedback"]["warning"]
        raise WeakPasswordError(
            f"the new password is easy to guess. {f'{why} ' if why else ''}Take another one, such as four words that "
            "have nothing to do with one another"
        )
