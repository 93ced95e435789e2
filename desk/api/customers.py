"""Customers over HTTP: search and look."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db import customers
from desk import paging
from desk.api import answers
from desk.api.common import Desk, Viewer, api_router, fresh
from desk.problems import documented
from desk.surroundings import in_transaction
from services.answers import Document
from services.receivables import customer_documents

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
CustomerId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("", response_model=answers.CustomerList)
async def search(
    request: Request,
    desk: Desk,
    _: Viewer,
    words: Words = "",
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List customers in the order of their ids, or those that `q` finds."""
    key = paging.key_of(cursor, parts=1)

    def read(session: Session) -> tuple[Document, str | None]:
        found = customers.search(session, words, after=key[0] if key else None, limit=limit + 1)
        # After the exact match, which comes first, the others begin from the start.
        exact = words.strip()
        page, following = paging.cut(found, limit, lambda row: ["" if row.customer.id == exact else row.customer.id])
        return {"customers": [customer_documents.summary(*row) for row in page], "next_cursor": following}, following

    document, following = await in_transaction(desk, read)
    return fresh(request, document, paging.next_link(request, following))


@router.get("/{customer_id}", response_model=answers.WholeCustomer, responses=documented(HTTPStatus.NOT_FOUND))
async def show(request: Request, customer_id: CustomerId, desk: Desk, _: Viewer) -> Response:
    """Show a customer with what it owes today and its newest holds."""
    document = await in_transaction(
        desk,
        lambda session: customer_documents.whole(session, customers.get(session, customer_id), datetime.now(UTC)),
    )
    return fresh(request, document)
