"""`POST /admin/ns-push/retry`: the service-hold spec's name for retrying a customer's NetSuite push."""

from http import HTTPStatus

from credit.states import Beat
from desk.api.common import REFUSED, Desk, Line, Mended, Retrier, api_router
from services.holds.answers import RetriedBeats

router = api_router("holds", "/admin")


class CustomerRetry(Mended):
    """Whose NetSuite push to try again."""

    customer_id: Line


@router.post("/ns-push/retry", status_code=HTTPStatus.ACCEPTED, responses=REFUSED)
async def retry_push(body: CustomerRetry, desk: Desk, who: Retrier) -> RetriedBeats:
    """Try a customer's NetSuite push again now."""
    return await desk.operations.retry_beat(
        body.customer_id, beat=Beat.PUSH_NETSUITE, actor=who.name, reason=body.reason
    )
