"""`hold sign-in`, `who`, `sign-out`: the commands act as a person, and never as somebody else by mistake."""

import io
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from credit.permissions import Role
from db.engine import transaction
from db.models import ApiToken
from starter.cli import run, sign_in, sign_ins
from starter.cli.desk_client import DeskClient, Document
from starter.cli.errors import RefusedError, UnreachableError
from starter.cli.sign_ins import SignIn
from tests.acting import bearer
from tests.desk.people.browser import Browser, RunningDesk
from tests.desk.people.conftest import desk, desk_settings

__all__ = ["desk", "desk_settings"]


@pytest.fixture
def hold(
    desk: RunningDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Call `hold` on a machine whose stack's operator has a token, where nobody is signed in yet."""
    operator = bearer(desk.engine, "mike", Role.ADMIN)["Authorization"].removeprefix("Bearer ")
    (tmp_path / "operator.token").write_text(operator)
    environment = {"DESK_URL": desk.url, "DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    for name, value in environment.items():
        monkeypatch.setenv(f"HOLD_{name}", value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("HOLD_TOKEN", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


Hold = Callable[..., tuple[int, str, str]]


@pytest.fixture
def person(desk: RunningDesk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Browser:
    """Confirms, while the program waits, the code that it printed."""
    browser = desk.signed_in(Role.APPROVER, "ann")

    def meanwhile(seconds: float) -> None:
        assert seconds == 5
        said = capsys.readouterr().err
        found = re.search("^    ([A-Z]{4}-[A-Z]{4})$", said, re.MULTILINE)
        assert found, said
        assert f"{desk.url}/device\n" in said
        assert max(map(len, said.splitlines())) <= 80
        assert browser.post("/device", user_code=found[1], verdict="confirm").status_code == 303

    monkeypatch.setattr("starter.cli.sign_in.sleep", meanwhile)
    return browser


def kept_file(tmp_path: Path) -> Path:
    [file] = (tmp_path / "config" / "hold").iterdir()
    return file


@pytest.mark.usefixtures("person")
def test_who_confirmed_the_code_is_who_acts(hold: Hold, desk: RunningDesk, tmp_path: Path) -> None:
    assert re.match("mike .* by the operator's token", hold("who")[2])
    code, _, said = hold("sign-in")
    assert code == 0
    assert re.fullmatch(r"Signed in as ann \(approver\) until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\n", said)
    assert stat.S_IMODE(kept_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept_file(tmp_path).parent.stat().st_mode) == 0o700
    code, _, said = hold("who")
    assert (code, said.startswith("ann (approver) until ")) == (0, True)
    assert "by the sign-in kept here" in said
    kept = sign_ins.read(desk.url)
    assert kept is not None
    code, _, said = hold("sign-out")
    assert (code, said) == (0, "Signed out.\n")
    assert [event.actor for event in desk.audit("token_revoked")] == ["ann"]
    assert not list((tmp_path / "config" / "hold").iterdir())
    assert hold("sign-out")[0] == 1
    assert re.match("mike .* by the operator's token", hold("who")[2])


def test_a_sign_in_that_ended_never_becomes_the_operator_s(hold: Hold, person: Browser, desk: RunningDesk) -> None:
    hold("sign-in")
    for ending in ("expires_at", "revoked_at"):
        with transaction(desk.engine) as session:
            ended = update(ApiToken).where(ApiToken.name.startswith("ann: "))
            session.execute(ended.values({ending: datetime.now(UTC)}))
        code, out, said = hold("list")
        assert (code, out) == (1, "")
        assert "ann" in said
        assert "`hold sign-in`" in said
    code, _, said = hold("sign-out")
    assert code == 0
    assert "did not revoke" in said


def test_a_denied_sign_in_leaves_nothing(
    hold: Hold, desk: RunningDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(_: float) -> None:
        with transaction(desk.engine) as session:
            session.execute(
                text("UPDATE device_codes SET confirmed = false, user_id = (SELECT id FROM users WHERE login = 'ann')")
            )

    desk.person("ann")
    monkeypatch.setattr("starter.cli.sign_in.sleep", meanwhile)
    code, _, said = hold("sign-in")
    assert code == 1
    assert "denied" in said
    assert not (tmp_path / "config").exists()


def test_a_token_is_taken_from_standard_input_and_checked(
    hold: Hold, desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = bearer(desk.engine, "job", Role.VIEWER)["Authorization"].removeprefix("Bearer ")
    for typed, code in (("hold_wrong\n", 1), ("\n", 2), (f"{token}\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert hold("sign-in", "--token")[0] == code
        assert (sign_ins.read(desk.url) is None) is (code != 0)
    assert hold("who")[2].startswith("job (viewer)")


@pytest.mark.usefixtures("person")
def test_hold_token_goes_before_the_sign_in_and_that_before_the_operator(
    hold: Hold, desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold("sign-in")
    token = bearer(desk.engine, "job", Role.VIEWER)["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("HOLD_TOKEN", token)
    assert '"credential": "hold_token"' in hold("who", "--json")[1]
    monkeypatch.delenv("HOLD_TOKEN")
    assert '"credential": "sign_in"' in hold("who", "--json")[1]
    hold("sign-out")
    assert '"credential": "operator_token"' in hold("who", "--json")[1]


class Answers(DeskClient):
    """A desk that answers what the test says, one after the other."""

    def __init__(self, *answers: Document | Exception) -> None:
        self._answers = iter(answers)

    def post(self, *parts: str, **_: Any) -> Document:
        if parts == ("device-codes",):
            return {"user_code": "A", "verification_uri": "B", "device_code": "C", "expires_in": 600, "interval": 5}
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_it_asks_again_more_slowly_when_told_and_through_a_restart_of_the_desk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("starter.cli.sign_in.sleep", waited.append)
    pending, slow, away = (
        RefusedError("x", "authorization_pending"),
        RefusedError("x", "slow_down"),
        UnreachableError("x"),
    )
    desk = Answers(pending, slow, pending, away, slow, {"access_token": "hold_x"})
    assert sign_in._confirmed(desk, None, web=False) == "hold_x"
    assert waited == [5, 5, 10, 10, 10, 15]
    with pytest.raises(RefusedError, match="over"):
        sign_in._confirmed(Answers(RefusedError("over", "expired_token")), None, web=False)


def test_an_address_of_a_desk_is_whole(hold: Hold) -> None:
    code, _, said = hold("sign-in", "--desk", "holds.example.com")
    assert code == 1
    assert "write it like https://" in said


def test_each_desk_has_its_own_sign_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for desk_url in ("https://a.example/", "https://b.example"):
        sign_ins.keep(desk_url, SignIn("hold_x", desk_url))
    found = sign_ins.read("https://a.example")
    assert found == SignIn("hold_x", "https://a.example/")
    assert sign_ins.read("https://a.example:444") is None
    assert sign_ins.forget("https://a.example")
    assert sign_ins.read("https://b.example") is not None


def test_a_file_that_cannot_be_read_is_nobody(hold: Hold, desk: RunningDesk, tmp_path: Path) -> None:
    sign_ins.keep(desk.url, SignIn("hold_x", "ann"))
    kept_file(tmp_path).write_text("{")
    code, _, said = hold("list")
    assert code == 1
    assert "`hold sign-in`" in said
    assert hold("sign-out")[0] == 0
    assert hold("list")[0] == 0
