"""Many proposals from one file: previewed, each for itself, harmless when repeated. Nothing is decided in bulk."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from credit.bulk import BulkFileError, Outcome, read
from credit.permissions import Role
from db.engine import transaction
from db.models import HoldTrigger, ReleaseRequest
from services.holds import bulk
from services.holds.bulk import Item
from tests.admission.cli import Program
from tests.holds.helpers import holds_of, in_force
from tests.world import World


def csv_file(folder: Path, *lines: str, header: str = "customer_id,reason") -> Path:
    file = folder / "customers.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


def outcomes(answer: Any) -> dict[int, str]:
    return {item["line"]: item["outcome"] for item in answer["items"]}


def count(world: World, table: type) -> int:
    with transaction(world.engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


async def test_start_proposes_each_line_and_goes_on_after_a_refused_one(
    world: World, hold: Program, tmp_path: Path
) -> None:
    first, held, last = (world.customer(amount=f"{n}0000.25") for n in (4, 5, 6))
    await world.start(held)
    file = csv_file(tmp_path, f"{first},a call", "nobody,a call", f'{held},"late, again"', "", f"{last},a call")

    dry = await hold("start", "--from", file, "--dry-run", "--json", role=Role.REQUESTER)
    assert dry.code == 1
    foreseen = outcomes(dry.json)
    assert foreseen == {2: "created", 3: "refused", 4: "evidence_added", 6: "created"}
    assert (dry.json["count"], dry.json["total_open"], dry.json["dry_run"]) == (4, "150000.75", True)
    assert holds_of(world, first) == []

    done = await hold("start", "--from", file, "--yes", "--json", role=Role.REQUESTER)

    assert done.code == 1
    assert outcomes(done.json) == foreseen
    assert done.json["counts"] == {"created": 2, "evidence_added": 1, "refused": 1}
    assert "no customer 'nobody'" in done.json["items"][1]["why"]
    assert {world.status(customer) for customer in (first, held, last)} == {"proposed"}
    assert [one["reason"] for one in world.show(held)["evidence"]][1:] == ["late, again"]
    assert world.show(first)["evidence"][0]["actor"] == "a-requester"


async def test_same_file_again_adds_nothing(world: World, hold: Program, tmp_path: Path) -> None:
    one, two = world.customer(), world.customer()
    file = csv_file(tmp_path, f"{one},a call", f"{two},a call")
    assert (await hold("start", "--from", file, "--yes")).code == 0
    await world.decline(one)
    await world.in_status(one, "declined")

    again = await hold("start", "--from", file, "--yes", "--json")

    assert again.code == 0
    assert set(outcomes(again.json).values()) == {"already_done"}
    assert count(world, HoldTrigger) == 2
    assert (len(holds_of(world, one)), len(holds_of(world, two))) == (1, 1)
    other = csv_file(tmp_path, f"{two},another call")
    assert outcomes((await hold("start", "--from", other, "--yes", "--json")).json) == {2: "evidence_added"}


async def test_releases_are_proposed_and_never_decided(world: World, hold: Program, tmp_path: Path) -> None:
    held, asked, proposed = world.customer(), world.customer(), world.customer()
    for customer in (held, asked):
        await in_force(world, customer)
    await world.operations.request_release(asked, reason="they paid", actor="ann")
    await world.start(proposed)
    lines = [f"{customer},bank says paid" for customer in (held, asked, proposed)]
    file = csv_file(tmp_path, *lines)

    done = await hold("release", "--from", file, "--yes", "--json", role=Role.REQUESTER)

    assert done.code == 1
    assert outcomes(done.json) == {2: "created", 3: "evidence_added", 4: "refused"}
    assert "decline a proposal instead" in done.json["items"][2]["why"]
    for customer in (held, asked):
        shown = world.show(customer)
        assert (shown["status"], shown["proposal"]["kind"], shown["proposal"]["status"]) == (
            "in_force", "release", "open",
        )  # fmt: skip
    again = await hold("release", "--from", file, "--yes", "--json")
    assert outcomes(again.json) == {2: "already_done", 3: "already_done", 4: "refused"}
    assert count(world, ReleaseRequest) == 3


async def test_release_of_one(world: World, hold: Program) -> None:
    held, free = world.customer(), world.customer()
    await in_force(world, held)
    assert (await hold("release", held, "--reason", "they paid", role=Role.VIEWER)).code == 1

    done = await hold("release", held, "--reason", "they paid", "--json", role=Role.REQUESTER)

    assert done.code == 0
    assert list(done.json) == ["id", "customer_id", "status", "revision", "proposal"]
    assert done.json["customer_id"] == held
    assert (done.json["status"], done.json["proposal"]["kind"]) == ("in_force", "release")
    assert (await hold("release", free, "--reason", "they paid")).code == 1
    assert "waits for an approver" in (await hold("release", held, "--reason", "they paid")).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("start",), "give a customer"),
        (("start", "C-1"), "say why"),
        (("start", "C-1", "--reason", " "), "say why"),
        (("start", "C-1", "--reason", "x", "--yes"), "only with --from"),
        (("release", "C-1", "--reason", "x", "--dry-run"), "only with --from"),
        (("start", "C-1", "--from", "{file}", "--yes"), "a file that has both"),
        (("release", "--from", "{file}"), "nobody to ask here"),
    ],
)
async def test_one_customer_or_one_file(
    idle_world: World, hold: Program, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    file = csv_file(tmp_path, "C-1,a call")
    done = await hold(*(one.replace("{file}", str(file)) for one in arguments))
    assert done.code == 2
    assert said in " ".join(done.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"customer,reason\nC-1,a call\n", "no column customer_id"),
        (b"", "no column customer_id and no column reason"),
        (b"customer_id,reason\n", "no line after the header"),
        (b"customer_id,reason\nC-1,\n,x\nC-3,y\n", "in line 2, 3"),
        (b"customer_id,reason\nC-1\n", "in line 2"),
        (b"customer_id,reason\nC-1,\xff\n", "not a CSV file in UTF-8"),
    ],
)
def test_file_that_cannot_be_taken(content: bytes, said: str) -> None:
    with pytest.raises(BulkFileError, match=said):
        read(content)


def items(folder: Path, *lines: str, **how: str) -> list[Item]:
    return bulk.items(read(csv_file(folder, *lines, **how).read_bytes()))


def test_keys_are_the_contents_and_the_lines(tmp_path: Path) -> None:
    one = items(tmp_path, "A,x", "A,x")
    assert len({item.key for item in one}) == 2
    assert items(tmp_path, "A,x", "A,x") == one
    assert not {item.key for item in one} & {item.key for item in items(tmp_path, "A,x", "A,y")}
    (marked,) = items(tmp_path, "A,x,1", header="\ufeffcustomer_id,reason,note")
    assert (marked.customer_id, marked.reason) == ("A", "x")


async def test_service_that_is_away_stops_the_rest() -> None:
    async def away(item: Item) -> Item:
        if item.line == 4:
            raise RuntimeError("nobody answers")
        return item

    made = await bulk._each([Item(line, str(line), "C", "r") for line in range(2, 14)], away)

    assert [item.outcome for item in made[5:]] == [Outcome.NOT_TRIED] * 7
    assert [item.line for item in made if item.outcome is Outcome.FAILED] == [4]
