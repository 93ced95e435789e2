"""Key pairs for the sandbox's sign-in, in the sizes NetSuite takes.

``python -m netsuite.sandbox.keys --algorithm ES256 --private FILE --public FILE`` writes one pair, each file mode 0600.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from netsuite.oauth import SMALLEST_RSA_BITS, Algorithm, PrivateKey, private_key


def generate_key_pair(algorithm: Algorithm) -> tuple[str, str]:
    """A new ``(private_pem, public_pem)``: EC P-256 for ``ES256``, RSA of 3072 bits for ``PS256``.

    Raises:
        ValueError: another algorithm.
    """
    key: PrivateKey
    if algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "PS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=SMALLEST_RSA_BITS)
    else:
        raise ValueError(f"{algorithm!r} is neither ES256 nor PS256")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), _public_pem(key)


def write_new(path: Path, text: str) -> None:
    """Write ``text`` to a file that must not exist yet, readable by its owner only; whole, or not at all.

    Raises:
        FileExistsError: it exists; a key in use is never overwritten.
    """
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        os.link(draft, path)
    finally:
        Path(draft).unlink()


def write_pair(algorithm: Algorithm, private: Path, public: Path) -> None:
    """Write a new pair. A private key whose public file is missing (a crash in between) gets that file only.

    Raises:
        OSError: a file cannot be written, or exists already.
        ValueError: the private key there is not one for ``algorithm``.
    """
    if private.exists() and not public.exists():
        write_new(public, _public_pem(private_key(private.read_text(), algorithm)))
        return
    private_pem, public_pem = generate_key_pair(algorithm)
    write_new(private, private_pem)
    write_new(public, public_pem)


def _public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def main(arguments: list[str] | None = None) -> int:
    """Write a pair; the exit code is 0, or 1 where a file could not be written."""
    parser = argparse.ArgumentParser(prog="python -m netsuite.sandbox.keys", description="Write a new key pair.")
    parser.add_argument("--algorithm", choices=["ES256", "PS256"], default="ES256")
    parser.add_argument("--private", type=Path, required=True, metavar="FILE")
    parser.add_argument("--public", type=Path, required=True, metavar="FILE")
    chosen = parser.parse_args(arguments)
    try:
        write_pair(chosen.algorithm, chosen.private, chosen.public)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
