"""A ledger file on disk: what it is encoded in, its hash, and its lines with the progress through them."""

import hashlib
import io
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Generator
from io import BufferedReader

from credit.ledger_file import LedgerFileError

_CHUNK = 1 << 20
_NOT_CSV = {
    b"PK\x03\x04": "a spreadsheet or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x1f\x8b": "compressed by gzip",
    BOM_UTF16_LE: "UTF-16 text",
    BOM_UTF16_BE: "UTF-16 text",
}


class LedgerSource:
    """An open ledger file, looked through once on opening and read once more by `lines`."""

    def __init__(self, file: BufferedReader) -> None:
        """Find out size, hash and encoding, in constant memory.

        Raises:
            LedgerFileError: a pipe, a spreadsheet, an archive, or text that is neither UTF-8 nor Windows-1252.
        """
        if not file.seekable():
            raise LedgerFileError("the file is a pipe, which cannot be read twice: save it first")
        self._file = file
        start = file.read(4)
        for mark, what in _NOT_CSV.items():
            if start.startswith(mark):
                raise LedgerFileError(f"the file is {what}: save it as CSV in UTF-8")
        self.encoding = "utf-8-sig" if start.startswith(BOM_UTF8) else "utf-8"
        """`utf-8`, `utf-8-sig` or `cp1252`."""
        undecodable = _undecodable(file, "utf-8")
        if undecodable is not None:
            self.encoding = "cp1252"
            if _undecodable(file, "cp1252") is not None:
                raise LedgerFileError(
                    f"the file is neither UTF-8 nor Windows-1252 text ({undecodable}): save it as UTF-8"
                )
        file.seek(0)
        self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.size = file.tell()
        """In bytes."""

    def lines(self) -> Generator[str, None, None]:
        """Yield the lines from the first one on, with their own line ends; the file is closed after the last."""
        self._file.seek(0)
        try:
            with io.TextIOWrapper(self._file, encoding=self.encoding, newline="") as text:
                yield from text
        except UnicodeDecodeError as error:
            raise LedgerFileError(f"the file changed while it was read: {error}") from None

    @property
    def position(self) -> int:
        """How far `lines` has read, in bytes: a little ahead of the line last given."""
        return self._file.tell()


def _undecodable(file: BufferedReader, encoding: str) -> str | None:
    """Say what in the file is not of that encoding; None where all of it is."""
    decoder = getincrementaldecoder(encoding)()
    file.seek(0)
    while True:
        at = file.tell()
        chunk = file.read(_CHUNK)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return f"byte 0x{error.object[error.start]:02X} near byte {at + error.start:,}"
        if not chunk:
            return None
