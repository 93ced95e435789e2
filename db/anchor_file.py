"""The anchor file: heads of the audit chains, written down outside the database, one JSON line at a time.

    {"at": …, "previous": SHA-256 of the line before, "heads": [[chain, seq, hash], …], "total_rows": …}

It is only ever appended to. Each line names the digest of the one before (the first an empty string), so a line that
was edited, put in or taken out of the middle is found. Lines cut off at the end the file itself cannot show:
Temporal's history of each `AuditAnchor` keeps the file's line count and newest digest, which the next run compares, and
`audit_anchors` all of them, which each verification compares; who works may add to those, and take none away.
Nobody finds a file that was cut off together with both: keep it where the database's owner cannot write.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.audit_check import Head
from db.models import AuditAnchor

_HEADS_A_LINE = 10_000
"""The first anchor of an old database names every chain: its lines stay of a size that can be read."""


Witness = tuple[int, str]


class _Line(BaseModel):
    at: AwareDatetime
    previous: str
    heads: list[Head]
    total_rows: int


class AnchorReading:
    """One reading of the file, as long as it was when the reading began: iterate to the end, then look at the rest.

    Args:
        witnesses: lines' numbers, counted from 1, and their digests, as somebody else remembers them.
    """

    def __init__(self, path: Path, witnesses: Iterable[Witness] = ()) -> None:
        self.lines = 0
        self.digest = ""
        """SHA-256 of the last line, without its line feed."""
        self.at: datetime | None = None
        """When the last line was written."""
        self.problem: str | None = None
        """The first sign that the file was changed."""
        self.torn = b""
        """What stands behind the last line feed: a crash broke its writing off. The next anchor makes up for it."""
        self.unseen = set(witnesses)
        """Those whose line was not there so far."""
        self._path = path
        self._size = path.stat().st_size if path.exists() else 0

    def __iter__(self) -> Iterator[Head]:
        unreadable = False  # the line before; excused as a crash's by a line that names its digest
        for raw in self._raw_lines():
            line = _parsed(raw)
            follows = line is not None and line.previous == self.digest
            if unreadable and not follows:
                self._complain(f"line {self.lines} cannot be read")
            elif line is not None and not follows:
                self._complain(
                    f"line {self.lines + 1} does not follow line {self.lines}: one of them was edited, or lines "
                    "between them were taken out"
                )
            unreadable = line is None
            self.pass_by(raw)
            if line is not None:
                self.at = line.at
                yield from line.heads
        if unreadable:
            self._complain(f"line {self.lines} cannot be read")

    def _raw_lines(self) -> Iterator[bytes]:
        if not self._size:
            return
        with self._path.open("rb") as file:
            left = self._size
            while left and (raw := file.readline(left)):
                left -= len(raw)
                if not raw.endswith(b"\n"):
                    self.torn = raw
                    return
                yield raw[:-1]

    def pass_by(self, raw: bytes) -> None:
        """Stand behind one more line."""
        self.lines, self.digest = self.lines + 1, hashlib.sha256(raw).hexdigest()
        self.unseen.discard((self.lines, self.digest))

    def _complain(self, problem: str) -> None:
        self.problem = self.problem or f"{self._path}: {problem}"


def _parsed(raw: bytes) -> _Line | None:
    try:
        return _Line.model_validate_json(raw)
    except ValidationError:
        return None


class AnchorFile:
    """The file at `path`, mode 0600; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, witnesses: Iterable[Witness] = ()) -> AnchorReading:
        """Return a reading of the file as long as it is now.

        Raises:
            OSError: it cannot be read; raised here or while iterating.
        """
        return AnchorReading(self._path, witnesses)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other anchorer out until the block ends.

        Raises:
            OSError: the file cannot be written.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def append(self, reading: AnchorReading, heads: Iterable[Head], *, total_rows: int, at: datetime) -> int:
        """Append heads behind what `reading` has read, within `locked`; returns how many. No heads, no line.

        They are on the disk when this returns, and `reading` stands behind them.

        Raises:
            OSError: they could not be written: the next anchor makes up for it.
        """
        count, waiting = 0, list[Head]()
        for head in heads:
            waiting.append(head)
            count += 1
            if len(waiting) == _HEADS_A_LINE:
                self._write(reading, waiting, total_rows, at)
                waiting.clear()
        if waiting:
            self._write(reading, waiting, total_rows, at)
        return count

    def _write(self, reading: AnchorReading, heads: list[Head], total_rows: int, at: datetime) -> None:
        ending = b""
        if reading.torn:
            reading.pass_by(reading.torn)
            reading.torn, ending = b"", b"\n"
        line = _Line(at=at, previous=reading.digest, heads=heads, total_rows=total_rows).model_dump_json().encode()
        with self._path.open("ab") as file:
            file.write(ending + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        reading.pass_by(line)
        reading.at = at


def remember(session: Session, reading: AnchorReading, at: datetime) -> None:
    """Have the database know how far the file has come; once for each state of it."""
    if reading.lines:
        row = {"lines": reading.lines, "digest": reading.digest, "at": at}
        session.execute(insert(AuditAnchor).values(row).on_conflict_do_nothing())


def remembered(session: Session) -> Sequence[AuditAnchor]:
    """Return every state of the file that the database knows of, the newest last."""
    return session.scalars(select(AuditAnchor).order_by(AuditAnchor.at, AuditAnchor.lines)).all()
