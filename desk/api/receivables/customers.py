"""Customers over HTTP: search and look."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from db import customers
from db.errors import UnknownCustomerError
from desk import paging
from desk.api.common import CustomerId, Desk, Viewer, api_router
from desk.problems import refuses
from desk.surroundings import in_transaction
from services.receivables import answers

router = api_router("customers", "/api/customers")

Words = Annotated[
    str,
    Query(
        alias="q",
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Part of a name or id; fewer than three letters must begin it. An exact id comes first.",
    ),
]


@router.get("")
async def search(page: paging.Page, desk: Desk, _: Viewer, words: Words = "") -> answers.CustomerList:
    """List customers in the order of their ids, or those that `q` finds."""
    key = paging.key_of(page.cursor, parts=1)

    def read(session: Session) -> answers.CustomerList:
        rows = customers.search(session, words, after=key[0] if key else None, limit=page.limit + 1)
        # After the exact match, which comes first, the others begin from the start.
        exact = words.strip()
        found, following = page.cut(rows, lambda row: ["" if row.customer.id == exact else row.customer.id])
        return answers.CustomerList.of(session, found, datetime.now(UTC), following)

    return await in_transaction(desk, read)


@router.get("/{customer_id}")
@refuses(UnknownCustomerError)
async def show(customer_id: CustomerId, desk: Desk, _: Viewer) -> answers.WholeCustomer:
    """Show a customer with what it owes today and its newest holds."""
    return await in_transaction(
        desk,
        lambda session: answers.WholeCustomer.whole(session, customers.get(session, customer_id), datetime.now(UTC)),
    )
