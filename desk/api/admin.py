"""`POST /admin/ns-push/retry`: the service-hold spec's name for retrying a customer's NetSuite push."""

from http import HTTPStatus

from fastapi.responses import Response

from credit.states import Beat
from desk.api.answers import RetriedBeats
from desk.api.common import Desk, Line, Mended, Retrier, api_router
from desk.api.holds import retried
from desk.problems import documented

router = api_router("holds", "/admin")


class CustomerRetry(Mended):
    """Whose NetSuite push to try again."""

    customer_id: Line


@router.post(
    "/ns-push/retry",
    status_code=HTTPStatus.ACCEPTED,
    response_model=RetriedBeats,
    responses=documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def retry_push(body: CustomerRetry, desk: Desk, who: Retrier) -> Response:
    """Try a customer's NetSuite push again now."""
    return await retried(desk, body.customer_id, Beat.PUSH_NETSUITE, who.name, body.reason)
