"""`/holds/{id}/beats/{beat}`: what a person can do about a beat that does not end by itself."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from credit.states import RELEASING, Beat
from db.errors import NothingToDecideError
from desk.flashes import see_other
from desk.pages.common import Desk, Mender, Reason, Remark, refused
from desk.pages.holds.answers import read
from desk.rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/holds/{name}/beats/{beat}")
async def show(request: Request, name: str, beat: Beat, desk: Desk, who: Mender) -> Response:
    """Show a beat that is unfinished, and what trying again, stopping and leaving it out mean."""
    page = await read(desk, name, who)
    step = next((one for one in (*page.steps, *page.release_steps) if one.beat is beat and one.unfinished), None)
    if step is None:
        error = NothingToDecideError(page.hold.customer_id, f"{beat.value} is not unfinished")
        await refused(request, error)
        return see_other(_place(name, beat), "beat_is_over")
    return render(request, "holds/beat.html", page=page, step=step)


@router.post("/holds/{name}/beats/{beat}/retry")
async def retry(name: str, beat: Beat, desk: Desk, who: Mender, reason: Remark = "") -> Response:
    await desk.operations.retry_beat(name, beat=beat, actor=who.name, reason=reason.strip())
    return see_other(_place(name, beat), "beat_retried")


@router.post("/holds/{name}/beats/{beat}/skip")
async def skip(name: str, beat: Beat, desk: Desk, who: Mender, reason: Reason) -> Response:
    await desk.operations.skip_beat(name, beat=beat, actor=who.name, reason=reason)
    return see_other(_place(name, beat), "beat_skipped")


@router.post("/holds/{name}/beats/{beat}/cancel")
async def cancel(name: str, beat: Beat, desk: Desk, who: Mender, reason: Reason) -> Response:
    await desk.operations.cancel_beat(name, beat=beat, actor=who.name, reason=reason)
    return see_other(_place(name, beat), "beat_cancelled")


def _place(name: str, beat: Beat) -> str:
    return f"/holds/{name}#{'release-beats' if beat in RELEASING else 'beats'}"
