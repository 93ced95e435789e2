"""An outsider's view of the audit trail: an export that needs no program of ours to be verified, over CLI and HTTP."""

import asyncio
import csv
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine, text

from credit.permissions import Role
from credit.plain_text import with_line_feeds
from db import audit
from db.engine import transaction
from desk.app import create_app
from runtime.settings import Settings
from services import audit_trail
from services.audit_trail import ExportFormat
from starter.cli import run
from tests.acting import made_token
from tests.audit.helpers import NOW, anchor, deed, fill, tampering
from tests.conftest import free_port
from tests.desk.server import DeskServer

COLUMNS = ["at", "chain", "seq", "actor", "action", "detail", "prev_hash", "hash"]
Hold = Callable[..., tuple[int, str, str]]


def outsiders_verdict(lines: str) -> list[str]:
    """Verify an export with nothing but what its help says; returns the chains that do not hold."""
    last: dict[str, str] = {}
    bad = []
    for row in map(json.loads, lines.splitlines()):
        at = datetime.fromisoformat(row["at"]).timestamp()
        content = [row["prev_hash"], row["chain"], row["seq"], at, row["actor"], row["action"], row["detail"]]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        if row["hash"] != digest or row["prev_hash"] != last.get(row["chain"], ""):
            bad.append(row["chain"])
        last[row["chain"]] = row["hash"]
    return bad


def token(engine: Engine, role: Role) -> str:
    return made_token(engine, f"a {role.label}", role)


@pytest.fixture
def hold(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Iterator[Hold]:
    monkeypatch.setenv("HOLD_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("HOLD_TOKEN", token(engine, Role.APPROVER))

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(one) for one in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    with DeskServer(settings) as desk:
        monkeypatch.setenv("HOLD_DESK_URL", desk.url)
        yield call


def test_an_outsider_can_verify_the_export(hold: Hold, engine: Engine, tmp_path: Path) -> None:
    for chain in ("a", "b"):
        fill(engine, chain, 700)
    code, out, _ = hold("audit", "export")
    assert code == 0
    assert out.count("\n") == 1403  # and the token's events, and that of the export itself
    assert outsiders_verdict(out) == []
    assert list(json.loads(out.splitlines()[0])) == COLUMNS

    with tampering(engine) as session:
        session.execute(text("UPDATE audit_events SET actor = 'eve' WHERE chain = 'b' AND seq = 300"))
    assert hold("audit", "export", "-o", tmp_path / "export.jsonl")[0] == 0
    assert outsiders_verdict((tmp_path / "export.jsonl").read_text()) == ["b"]


def test_kind_12_an_export_is_told_in_json(hold: Hold, engine: Engine, tmp_path: Path) -> None:
    fill(engine, "a")
    exported = [json.loads(line) for line in hold("audit", "export")[1].splitlines()]
    code, out, _ = hold("audit", "export", "--json")
    told = json.loads(out)["events"]
    assert code == 0
    assert [event for event in told if event in exported] == exported
    assert [event["action"] for event in told if event not in exported] == ["audit_exported"]

    file = tmp_path / "trail.csv"
    code, out, _ = hold("audit", "export", "--format", "csv", "-o", file, "--json")
    assert (code, json.loads(out)) == (0, {"output": str(file), "format": "csv", "bytes": file.stat().st_size})
    assert hold("audit", "export", "--format", "csv", "--json")[0] == 2


def test_help_says_how_an_export_is_verified(hold: Hold) -> None:
    _, said, _ = hold("audit", "export", "--help")
    words = " ".join(said.split())
    assert "the JSON array of prev_hash, chain, seq, at, actor, action, detail" in words
    assert 'sort_keys=True, separators=(",", ":")' in words


def test_an_export_can_be_cut_to_a_chain_and_a_time(hold: Hold, engine: Engine) -> None:
    fill(engine, "a")
    with transaction(engine) as session:
        audit.append(session, chain=audit.SYSTEM, entry=deed("late"), actor="x", at=NOW + timedelta(days=2))
    assert "late" in hold("audit", "export", "--hold", "system")[1]
    assert '"chain": "a"' not in hold("audit", "export", "--hold", "system")[1]
    day = f"{NOW:%Y-%m-%d}"
    only = hold("audit", "export", "--from", day, "--to", f"{NOW + timedelta(days=1):%Y-%m-%d}")[1]
    assert [json.loads(line)["seq"] for line in only.splitlines()] == [1, 2, 3, 4, 5]
    assert hold("audit", "export", "--hold", "nobody")[0] == 1
    assert hold("audit", "export", "-o", "/nowhere/at/all")[0] == 1


def test_a_verification_fails_where_the_anchors_are_gone(hold: Hold, engine: Engine, settings: Settings) -> None:
    fill(engine, "a")
    anchor(engine, settings.anchor_file)
    code, out, _ = hold("audit", "verify")
    assert (code, "intact" in out) == (0, True)

    settings.anchor_file.write_bytes(b"")
    code, out, _ = hold("audit", "verify")
    assert (code, "intact" in out) == (1, False)
    assert "was cut off: it has 0 lines of 1" in " ".join(out.split())

    settings.anchor_file.unlink()  # no setting of this desk names it: it may be on another machine
    code, out, err = hold("audit", "verify")
    assert (code, "intact, as far as it can be seen here" in out) == (0, True)
    assert "cannot be checked here" in " ".join(err.split())


@pytest.mark.parametrize("evil", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\r\n=1"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(engine: Engine, evil: str) -> None:
    with transaction(engine) as session:
        audit.append(session, chain=evil, entry=deed(evil, why=evil), actor=evil, at=NOW)

    [names, row] = list(csv.reader(io.StringIO("".join(audit_trail.export(engine, ExportFormat.CSV)), newline="")))

    assert names == COLUMNS
    cells = dict(zip(names, row, strict=True))
    assert cells["actor"] == cells["chain"] == cells["action"] == f"'{with_line_feeds(evil)}"
    assert json.loads(cells["detail"]) == {"why": evil}


@pytest.mark.parametrize("evil", ["paid;=cmd()", "paid; +1", 'paid;"@SUM(A1)"'])
def test_nor_what_begins_a_cell_where_a_semicolon_parts_them(engine: Engine, evil: str) -> None:
    with transaction(engine) as session:
        audit.append(session, chain="x", entry=deed("x", why=evil), actor=evil, at=NOW)
    written = "".join(audit_trail.export(engine, ExportFormat.CSV))
    assert not re.search(r";[\s\"\\]*[=+@-]", written)


def test_verify_says_what_is_wrong_and_exits_1(hold: Hold, engine: Engine, settings: Settings) -> None:
    fill(engine, "a")
    anchor(engine, settings.anchor_file)
    code, out, _ = hold("audit", "verify")
    assert code == 0
    assert "7 rows in 2 chains, 2 anchored heads" in out
    with tampering(engine) as session:
        session.execute(text("DELETE FROM audit_events WHERE chain = 'a' AND seq > 2"))

    code, out, _ = hold("audit", "verify", "--json")

    assert code == 1
    found = json.loads(out)
    assert not found["intact"]
    [fault] = found["faults"]
    assert (fault["chain"], fault["seq"], fault["kind"]) == ("a", 3, "cut_off")
    code, out, _ = hold("audit", "verify")
    assert code == 1
    assert "a, row 3: the chain ends before row 3" in out


@pytest.mark.parametrize("command", ["verify", "export"])
def test_a_requester_may_not_look(hold: Hold, engine: Engine, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("HOLD_TOKEN", token(engine, Role.REQUESTER))
    code, out, said = hold("audit", command)
    assert (code, out) == (1, "")
    assert "to read and verify the audit trail takes approver" in said


@pytest.fixture
async def api(settings: Settings, engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=free_port(), log_config=None))
    serving = asyncio.create_task(server.serve())
    headers = {"authorization": f"Bearer {token(engine, Role.APPROVER)}"}
    url = f"http://127.0.0.1:{server.config.port}"
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.02)
        yield client
    server.should_exit = True
    await serving


async def test_search_over_http_page_by_page(api: httpx.AsyncClient, engine: Engine) -> None:
    fill(engine, "a", 25)
    seen: list[int] = []
    query = {"chain": "a", "limit": "10"}
    while True:
        page = (await api.get("/api/audit", params=query)).raise_for_status().json()
        seen += [event["seq"] for event in page["events"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == list(range(25, 0, -1))

    [event] = (await api.get("/api/audit", params={"action": "deed_3"})).json()["events"]
    assert (event["actor"], event["detail"]["before"]) == ("mike", {"a": [None, 1.5], "b": 1})
    until = {"to": NOW.isoformat(), "chain": "a"}
    assert (await api.get("/api/audit", params=until)).json()["events"] == []
    assert len((await api.get("/api/audit", params={"from": NOW.isoformat(), "actor": "mike"})).json()["events"]) == 25
    for bad in ({"cursor": "bm9uc2Vuc2U="}, {"cursor": "WyIweDEwIl0="}, {"from": "yesterday"}, {"actor": "\x00"}):
        assert (await api.get("/api/audit", params=bad)).status_code == 422, bad


async def test_export_and_verify_over_http(api: httpx.AsyncClient, engine: Engine, settings: Settings) -> None:
    fill(engine, "a", 3)
    anchor(engine, settings.anchor_file)

    answer = (await api.get("/api/audit/export", params={"format": "jsonl"})).raise_for_status()
    assert outsiders_verdict(answer.text) == []
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit-')
    answer = (await api.get("/api/audit/export", params={"format": "csv", "hold": "system"})).raise_for_status()
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("at,chain,seq,")
    assert (await api.get("/api/audit/export", params={"hold": "nobody"})).status_code == 404
    noted = (await api.get("/api/audit", params={"action": "audit_exported"})).json()["events"]
    assert [event["detail"] for event in noted] == [{"format": "csv", "chain": "system"}, {"format": "jsonl"}]
    assert "audit_exported" in answer.text

    found = (await api.post("/api/audit/verify")).raise_for_status().json()
    assert (found["intact"], found["anchors"]["heads"]) == (True, 2)
    with tampering(engine) as session:
        session.execute(text("DELETE FROM audit_events WHERE chain = 'a'"))
    found = (await api.post("/api/audit/verify")).json()
    assert [fault["kind"] for fault in found["faults"]] == ["deleted"]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/export"), ("POST", "/verify")])
async def test_over_http_too_a_requester_may_not_look(
    api: httpx.AsyncClient, engine: Engine, method: str, path: str
) -> None:
    headers = {"authorization": f"Bearer {token(engine, Role.REQUESTER)}"}
    assert (await api.request(method, f"/api/audit{path}", headers=headers)).status_code == 403
