"""The token endpoint's rules: what makes a client assertion good, and which bearer tokens are good now.

Source: Oracle's help, section_162755359851 and section_162790605110. Tokens are kept in memory: a restart, like a
revocation, makes every client sign in again.
"""

import secrets
import time
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from netsuite.oauth import ASSERTION_TYPE, SCOPE

LONGEST_ASSERTION_SECONDS = 3600
CLOCK_LEEWAY_SECONDS = 5
_EC_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class GrantRefused(Exception):  # noqa: N818 - it is an answer, not a failure of the server
    """The token endpoint says no: OAuth's ``error`` and a description."""

    def __init__(self, error: str, description: str) -> None:
        """``error`` is one of RFC 6749 section 5.2."""
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Integration:
    """The one integration this account knows."""

    client_id: str
    certificate_id: str
    public_key: PublicKey

    @property
    def algorithms(self) -> list[str]:
        """The JWT algorithms that fit the key. RS256 is never one of them."""
        if isinstance(self.public_key, rsa.RSAPublicKey):
            return ["PS256", "PS384", "PS512"]
        return [_EC_ALGORITHMS[self.public_key.curve.name]]


def public_key(pem: bytes) -> PublicKey:
    """The key in a PEM public key or X.509 certificate.

    Raises:
        ValueError: neither, or a key NetSuite does not take.
    """
    key = load_pem_x509_certificate(pem).public_key() if b"BEGIN CERTIFICATE" in pem else load_pem_public_key(pem)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in {3072, 4096}:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _EC_ALGORITHMS:
        return key
    raise ValueError("NetSuite takes RSA keys of 3072 or 4096 bits and EC keys of 256, 384 or 521 bits")


class Tokens:
    """The bearer tokens given out, each with the moment it ends."""

    def __init__(self, integration: Integration, lifetime_seconds: float) -> None:
        """Nothing is given out yet."""
        self._integration = integration
        self._lifetime = lifetime_seconds
        self._ends: dict[str, float] = {}

    def grant(self, form: dict[str, str], audience: str) -> tuple[str, float]:
        """A new token and its lifetime in seconds, for a form whose assertion was made for ``audience``.

        Raises:
            GrantRefused: anything about the form or its assertion is not as NetSuite wants it.
        """
        if form.get("grant_type") != "client_credentials":
            raise GrantRefused("unsupported_grant_type", "grant_type must be client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise GrantRefused("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
        self._verify(form.get("client_assertion", ""), audience)
        now = time.monotonic()
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = secrets.token_urlsafe(48)
        self._ends[token] = now + self._lifetime
        return token, self._lifetime

    def good(self, authorization: str | None) -> bool:
        """Whether an ``Authorization`` header carries a token that was given out and has not ended."""
        scheme, _, token = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and self._ends.get(token.strip(), 0.0) > time.monotonic()

    def _verify(self, assertion: str, audience: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
            if header.get("kid") != self._integration.certificate_id:
                raise GrantRefused("invalid_client", "the assertion's kid is no certificate of this integration")
            claims = jwt.decode(
                assertion,
                self._integration.public_key,
                algorithms=self._integration.algorithms,
                audience=audience,
                issuer=self._integration.client_id,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "scope", "iat", "exp"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise GrantRefused("invalid_client", f"the assertion does not hold: {error}") from error
        if int(claims["exp"]) - int(claims["iat"]) >= LONGEST_ASSERTION_SECONDS:
            raise GrantRefused("invalid_client", "the assertion's exp must be less than 60 minutes after its iat")
        scope = claims["scope"]
        scopes = scope.replace(",", " ").split() if isinstance(scope, str) else scope
        if not isinstance(scopes, list) or SCOPE not in scopes:
            raise GrantRefused("invalid_scope", f"the assertion's scope must have {SCOPE}")
