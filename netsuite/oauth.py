"""The terms of NetSuite's OAuth 2.0, which the client and the sandbox share.

Source: Oracle's help, section_162755359851 (the request) and section_162790605110 (the JWT). NetSuite takes
PS256/384/512 and ES256/384/512; RS256 it refuses. Kept free of the HTTP client, so that the sandbox starts quickly.
"""

from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Algorithm = Literal["PS256", "ES256"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "rest_webservices"

SMALLEST_RSA_BITS = 3072
"""NetSuite takes RSA keys of 3072 and 4096 bits."""


def private_key(pem: str, algorithm: Algorithm) -> PrivateKey:
    """The key in ``pem``, seen to fit ``algorithm``.

    Raises:
        ValueError: not an unencrypted private key in PEM, or not one for ``algorithm``. The message never shows it.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("The NetSuite private key is not an unencrypted private key in PEM form") from None
    if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
        return key
    if algorithm == "PS256" and isinstance(key, rsa.RSAPrivateKey) and key.key_size >= SMALLEST_RSA_BITS:
        return key
    raise ValueError(
        f"The NetSuite private key does not fit {algorithm}: "
        f"PS256 needs RSA of {SMALLEST_RSA_BITS} bits or more, ES256 needs EC P-256"
    )
