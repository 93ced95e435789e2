"""Signing in with an OpenID Connect provider: authorization code flow with PKCE (RFC 7636), state and nonce.

The provider's word is taken for who somebody is (issuer and subject, never the e-mail address) and for what he may do
(a claim, mapped by `oidc_roles` at each sign-in).
"""

import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import httpx
from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import SecretStr

from desk.sign_in.errors import ProviderFailedError, SignInRefusedError
from runtime.settings import Settings

Claims = dict[str, Any]

LEEWAY = 60
"""Seconds by which the provider's clock may differ."""

SIGNATURES = ("RS256", "PS256", "ES256", "EdDSA")
"""How an ID token may be signed: with the provider's private key, in ways that every provider's library has."""

_TIMEOUT = httpx.Timeout(10.0)


@dataclass(frozen=True)
class Attempt:
    """What a browser asked the provider, kept in its own cookie until it comes back."""

    state: str
    nonce: str
    verifier: str
    next: str
    """The page to go on to."""

    @classmethod
    def fresh(cls, next_page: str) -> "Attempt":
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), next_page)

    def cookie(self) -> str:
        return json.dumps(asdict(self)).encode().hex()

    @classmethod
    def of_cookie(cls, value: str) -> "Attempt":
        """Read it again.

        Raises:
            SignInRefusedError: this browser asked nothing, or too long ago.
        """
        try:
            return cls(**json.loads(bytes.fromhex(value)))
        except (ValueError, TypeError) as error:
            raise SignInRefusedError("this browser did not begin that sign-in, or too long ago: begin again") from error


class Provider:
    """An OpenID Connect provider, found by discovery when it is first needed.

    Args:
        settings: `oidc_issuer`, `oidc_client_id`, `oidc_client_secret`, `oidc_role_claim`.
    """

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret or SecretStr("")
        self._role_claim = settings.oidc_role_claim
        self._found: Claims = {}
        self._keys: KeySet | None = None

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Return where the browser has to go.

        Raises:
            ProviderFailedError: the provider is away, or is not who it should be.
        """
        async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
            found = await self._discovery(http)
        scopes = ["openid", "profile", "email"]
        if self._role_claim in found.get("scopes_supported", []):
            scopes.append(self._role_claim)
        question = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return str(add_params_to_uri(found["authorization_endpoint"], question.items()))

    async def claims(self, attempt: Attempt, answer: Claims, redirect_uri: str) -> Claims:
        """Return what the provider says of who came back with `answer`, the query of the callback.

        Raises:
            SignInRefusedError: it is not the answer to this attempt, or the provider refused.
            ProviderFailedError: the provider is away, or its ID token can't be trusted.
        """
        if not hmac.compare_digest(str(answer.get("state", "")).encode(), attempt.state.encode()):
            raise SignInRefusedError("the provider's answer is not to what this browser asked: begin again")
        if "code" not in answer:
            raise SignInRefusedError(f"the provider refused: {str(answer.get('error', 'no reason given'))[:200]}")
        async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
            found = await self._discovery(http)
            announced = found.get("authorization_response_iss_parameter_supported", False)
            if answer.get("iss", None if announced else self.issuer) != self.issuer:  # RFC 9207
                raise SignInRefusedError("the answer is another provider's: begin again")
            tokens = await self._redeem(http, str(answer["code"]), attempt.verifier, redirect_uri)
            claims = await self._id_token(http, tokens, attempt.nonce)
            if "userinfo_endpoint" in found and "access_token" in tokens:
                bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
                more = _json(await _ask(http, "GET", found["userinfo_endpoint"], headers=bearer))
                if more.get("sub") == claims["sub"]:  # OpenID Connect Core 5.3.2
                    claims = {**more, **claims}
        return claims

    async def _discovery(self, http: httpx.AsyncClient) -> Claims:
        if not self._found:
            address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = _json(await _ask(http, "GET", address))
            if found.get("issuer") != self.issuer:
                raise ProviderFailedError(f"the provider calls itself {found.get('issuer')!r}: set HOLD_OIDC_ISSUER so")
            self._found = found
        return self._found

    async def _redeem(self, http: httpx.AsyncClient, code: str, verifier: str, redirect_uri: str) -> Claims:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        secret = self._secret.get_secret_value()
        ways = self._found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in ways:
            proof = httpx.BasicAuth(quote(self._client_id, safe=""), quote(secret, safe=""))  # RFC 6749 2.3.1
            return _json(await _ask(http, "POST", self._found["token_endpoint"], data=form, auth=proof))
        form |= {"client_id": self._client_id, **({"client_secret": secret} if secret else {})}
        return _json(await _ask(http, "POST", self._found["token_endpoint"], data=form))

    async def _id_token(self, http: httpx.AsyncClient, tokens: Claims, nonce: str) -> Claims:
        try:
            if self._keys is not None:
                try:
                    return self._checked(tokens, self._keys, nonce)
                except InvalidKeyIdError:
                    self._keys = None  # the provider took new keys
            keys = KeySet.import_key_set(_json(await _ask(http, "GET", self._found["jwks_uri"])))  # type: ignore[arg-type]
            self._keys = keys
            return self._checked(tokens, keys, nonce)
        except (JoseError, ValueError) as error:
            raise ProviderFailedError(f"the provider's ID token can't be trusted: {error}") from error

    def _checked(self, tokens: Claims, keys: KeySet, nonce: str) -> Claims:
        return checked(
            str(tokens.get("id_token", "")),
            keys,
            issuer=self.issuer,
            client_id=self._client_id,
            nonce=nonce,
            access_token=tokens.get("access_token"),
        )


def checked(
    id_token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, access_token: str | None
) -> Claims:
    """Return an ID token's claims, if it is this issuer's, for us, in time, and the answer to this nonce.

    Raises:
        JoseError, ValueError: it is not.
    """
    token = jwt.decode(id_token, keys, registry=JWSRegistry(algorithms=list(SIGNATURES), strict_check_header=False))
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
    claims = CodeIDToken(token.claims, token.header, options, params)
    claims.validate(leeway=LEEWAY)
    return dict(claims)


async def _ask(http: httpx.AsyncClient, method: str, address: str, **how: Any) -> httpx.Response:
    try:
        return (await http.request(method, address, **how)).raise_for_status()
    except httpx.HTTPStatusError as error:
        said = f"{error.response.status_code} {error.response.text[:200]}"
        raise ProviderFailedError(f"the provider refused {address}: {said}") from error
    except httpx.HTTPError as error:
        raise ProviderFailedError(f"the provider can't be reached at {address}: {error}; try again soon") from error


def _json(response: httpx.Response) -> Claims:
    try:
        found: Claims = response.json()
    except ValueError as error:
        raise ProviderFailedError(f"the provider sent no JSON from {response.url}") from error
    return found
