"""One word for a customer, whatever is true of it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from uuid import UUID, uuid4

import pytest

from credit.credit_hold import BlockSource
from credit.customer_standing import CustomerStanding, CustomerStatus, Exceeded, Exempt, OpenHold, standing
from credit.eligibility import Action, Block, Standing, check
from credit.policy import Policy
from credit.states import OPEN_HOLD, EntityStatus, HoldStatus

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOLD = uuid4()


_OF_A_HOLD = {
    HoldStatus.IN_FORCE: CustomerStatus.ON_HOLD,
    HoldStatus.APPLYING: CustomerStatus.BEING_HELD,
    HoldStatus.RELEASING: CustomerStatus.BEING_RELEASED,
}


def block(source: BlockSource, *tariffs: str, of: str = "C", hold: UUID | None = None) -> Block:
    return Block(uuid4(), of, source, tariffs or None, "the note", hold, AT)


BLOCKS = (
    block(BlockSource.MANUAL),
    block(BlockSource.MANUAL, "LTL"),
    block(BlockSource.AUTO_APPLY),
    block(BlockSource.AUTO_APPLY, hold=HOLD),
    block(BlockSource.SERVICE_HOLD, hold=HOLD),
    block(BlockSource.MANUAL, of="PARENT"),
)


def of(
    status: HoldStatus | None = None,
    *blocks: Block,
    flag: EntityStatus = EntityStatus.ACTIVE,
    exempt: bool = False,
    exceeded: bool = False,
) -> CustomerStanding:
    return standing(
        "C",
        hold=OpenHold(HOLD, status, "132 days overdue", AT, None) if status else None,
        blocks=blocks,
        flag=flag,
        exempt=Exempt(date(2027, 4, 1), "a merger") if exempt else None,
        exceeded=Exceeded(Decimal(300), Decimal(200)) if exceeded else None,
    )


@pytest.mark.parametrize("status", [None, *OPEN_HOLD])
def test_every_combination_has_one_word_which_the_gates_bear_out(status: HoldStatus | None) -> None:
    kinds = [[one for one, there in zip(BLOCKS, chosen, strict=True) if there] for chosen in product((0, 1), repeat=6)]
    for blocks, flag, exempt, exceeded in product(kinds, EntityStatus, (False, True), (False, True)):
        told = of(status, *blocks, flag=flag, exempt=exempt, exceeded=exceeded)
        orders = check(Standing("C", flag, blocks), Action.ORDER, Policy()).allowed
        expected = _OF_A_HOLD.get(status) if status else None
        assert told.status is expected or expected is None
        if expected is None:
            assert (told.status is CustomerStatus.BLOCKED) == (not orders)
            if told.status is CustomerStatus.FREE:
                assert (status, blocks, exempt, exceeded) == (None, [], False, False)
        assert told.reason
        assert told.label == told.status.label
        assert told.reason not in told.also


@pytest.mark.parametrize(
    ("told", "status", "reason", "also"),
    [
        (of(), "free", "Nothing holds or blocks it.", []),
        (of(exceeded=True), "over_limit", "Its credit limit is exceeded: 300.00 of 200.00.", []),
        (of(exempt=True, exceeded=True), "exempt", "No automatic hold until 2027-04-01: a merger", ["limit"]),
        (
            of(None, BLOCKS[1], exempt=True),
            "partly_blocked",
            "LTL blocked by hand since 2027-03-01: the note",
            ["No auto"],
        ),
        (of(HoldStatus.PROPOSED), "to_decide", "A hold is proposed since 2027-03-01: 132 days overdue", []),
        (of(HoldStatus.PROPOSED, BLOCKS[2]), "blocked", "Blocked by its credit limit since 2027-03-01", ["proposed"]),
        (of(None, BLOCKS[5]), "blocked", "Blocked by hand, through its parent account PARENT, since", []),
        (of(flag=EntityStatus.HOLD), "blocked", "Its flag (entitystatus) says hold", []),
        (of(HoldStatus.IN_FORCE, BLOCKS[3]), "on_hold", "Its hold is in force since 2027-03-01: 132 days overdue", []),
        (of(HoldStatus.IN_FORCE, BLOCKS[0]), "on_hold", "Its hold is in force", ["Blocked by hand"]),
    ],
)
def test_the_reason_is_of_the_word(told: CustomerStanding, status: str, reason: str, also: list[str]) -> None:
    assert told.status == status
    assert told.reason.startswith(reason)
    assert len(told.also) == len(also)
    assert all(words in said for words, said in zip(also, told.also, strict=True))
