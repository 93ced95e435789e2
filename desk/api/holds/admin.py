"""`POST /admin/ns-push/retry`: the service-hold spec's name for retrying a customer's NetSuite push."""

from http import HTTPStatus

from temporalio.service import RPCError

from credit.states import Beat
from db.errors import NothingToDecideError, UnknownHoldError
from desk.api.common import Desk, Line, Mended, Retrier, api_router
from desk.problems import refuses
from services.holds.answers import RetriedBeats

router = api_router("holds", "/admin")


class CustomerRetry(Mended):
    """Whose NetSuite push to try again."""

    customer_id: Line


@router.post("/ns-push/retry", status_code=HTTPStatus.ACCEPTED)
@refuses(UnknownHoldError, NothingToDecideError, RPCError)
async def retry_push(body: CustomerRetry, desk: Desk, who: Retrier) -> RetriedBeats:
    """Try a customer's NetSuite push again now."""
    return await desk.operations.retry_beat(
        body.customer_id, beat=Beat.PUSH_NETSUITE, actor=who.name, reason=body.reason
    )
