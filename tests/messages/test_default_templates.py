"""The default texts have one address: what the migrations leave behind is what stands in the files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from credit import freight_messages, templates
from db.messages import default_templates
from db.messages.default_templates import DefaultTemplate, file_of, put_into_use, read

_NAMES = (
    templates.SALES_REP,
    templates.CUSTOMER_NOTICE,
    templates.REVIEW_NOTICE,
    templates.SALES_REP_RELEASE,
    templates.RELEASE_NOTICE,
    *freight_messages.TEMPLATES,
)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def newest(connection: Connection, name: str) -> tuple[int, DefaultTemplate]:
    query = "SELECT version, subject, body FROM content_templates WHERE name = :name ORDER BY version DESC LIMIT 1"
    version, subject, body = connection.execute(text(query), {"name": name}).one()
    return version, DefaultTemplate(subject, body)


def test_a_fresh_database_has_exactly_the_files(connection: Connection) -> None:
    in_use = {
        name: newest(connection, name)[1] for name in connection.scalars(text("SELECT name FROM content_templates"))
    }
    assert in_use == {name: read(name) for name in _NAMES}
    files = {file for file in Path(default_templates.__file__).parent.iterdir() if file.suffix == ".txt"}
    assert files == {file_of(name) for name in _NAMES}


def test_a_changed_file_is_put_into_use_once(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = templates.CUSTOMER_NOTICE
    before, _ = newest(connection, name)
    put_into_use(connection, name)
    assert newest(connection, name) == (before, read(name))
    monkeypatch.setattr(default_templates, "_FOLDER", tmp_path)
    file_of(name).write_text("Subject: On hold\n\nDear {{ customer_name }}\n")
    for _ in range(2):
        put_into_use(connection, name)
        assert newest(connection, name) == (before + 1, DefaultTemplate("On hold", "Dear {{ customer_name }}\n"))


def test_what_a_person_wrote_stays(connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = templates.CUSTOMER_NOTICE
    theirs = (
        "INSERT INTO content_templates (name, language, version, subject, body, created_by)"
        " VALUES (:name, 'en', 99, 'ours', 'ours', 'anna')"
    )
    connection.execute(text(theirs), {"name": name})
    monkeypatch.setattr(default_templates, "_FOLDER", tmp_path)
    file_of(name).write_text("Subject: On hold\n\nDear {{ customer_name }}\n")
    put_into_use(connection, name)
    assert newest(connection, name)[1] == DefaultTemplate("ours", "ours")


@pytest.mark.parametrize("written", ["On hold\n\nbody", "Subject: On hold\nbody\n\nmore"])
def test_a_file_without_a_subject_is_refused(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_templates, "_FOLDER", tmp_path)
    file_of("x").write_text(written)
    with pytest.raises(ValueError, match=r"x\.txt must begin with"):
        read("x")
