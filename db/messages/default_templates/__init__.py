"""The texts that a fresh database begins with: a file for each content template, named after it.

`Subject: …` is the first line, the body follows after an empty one. What people wrote since is in `content_templates`.
A changed file reaches databases by a migration that calls `put_into_use`.
"""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text

_FOLDER = Path(__file__).parent
_SUBJECT = "Subject: "
_BY = "migration"
_NEWEST = text("""
SELECT version, subject, body, created_by FROM content_templates
WHERE name = :name AND organisation = '' AND language = 'en' ORDER BY version DESC LIMIT 1
""")
_ADD = text("""
INSERT INTO content_templates (name, organisation, language, version, subject, body, created_by)
VALUES (:name, '', 'en', :version, :subject, :body, :by)
""")


class DefaultTemplate(NamedTuple):
    """A template as it is delivered: everybody's, in English."""

    subject: str
    body: str


def file_of(name: str) -> Path:
    """Return where the default text of a content template stands."""
    return _FOLDER / f"{name.lower().replace(' ', '_')}.txt"


def read(name: str) -> DefaultTemplate:
    """Return the default text of a content template.

    Raises:
        ValueError: its file does not begin with a subject and an empty line.
        FileNotFoundError: it has no file.
    """
    first, empty, body = file_of(name).read_text(encoding="utf-8").split("\n", 2)
    if not first.startswith(_SUBJECT) or empty:
        raise ValueError(f"{file_of(name).name} must begin with '{_SUBJECT}…' and an empty line")
    return DefaultTemplate(first.removeprefix(_SUBJECT), body)


def put_into_use(connection: Connection, name: str) -> None:
    """Make the default text the newest version, where nobody has written another since; repeated, it does nothing."""
    newest = connection.execute(_NEWEST, {"name": name}).one_or_none()
    default = read(name)
    if newest is not None and (newest.created_by != _BY or (newest.subject, newest.body) == default):
        return
    version = newest.version + 1 if newest is not None else 1
    connection.execute(_ADD, {"name": name, "version": version, "by": _BY, **default._asdict()})
