"""What a page says once after a form was sent: a code in a short-lived cookie, never somebody's text."""

from typing import NamedTuple

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

_COOKIE = "flash"
_SECONDS = 60


class Flash(NamedTuple):
    """One sentence. `tone` is `good`, `bad` or `note`."""

    tone: str
    text: str


FLASHES = {
    "hold_started": Flash("good", "Proposed. It waits for an approver."),
    "evidence_added": Flash("note", "This customer has a hold open already: your reason was added to it."),
    "claimed": Flash("good", "Claimed: nobody else can decide this while you look at it."),
    "given_back": Flash("note", "Given back: anybody may claim it."),
    "hold_approved": Flash("good", "Approved. The hold is being applied."),
    "hold_approved_first": Flash("note", "Your approval stands. Above this amount a second person has to approve."),
    "hold_declined": Flash("good", "Declined. Nothing was done to the customer."),
    "release_proposed": Flash("good", "The release is proposed. It waits for an approver."),
    "release_approved": Flash("good", "Approved. The customer is being taken off hold."),
    "release_declined": Flash("good", "Declined. The hold stays."),
    "repair_approved": Flash("good", "Approved. NetSuite is being written again."),
    "repair_declined": Flash("good", "Declined. What NetSuite says is accepted."),
    "hold_overridden": Flash("good", "Lifted: its release is approved."),
    "dates_set": Flash("good", "Saved."),
    "exception_added": Flash("good", "Let through. The hold stays for everything else."),
    "exception_ended": Flash("good", "Ended. The hold counts for it again."),
    "told_later": Flash("note", "Decided and written down. Temporal did not answer; it will be told soon."),
    "approval_undone": Flash("good", "Taken back. The proposal is open again; nothing was done to the customer."),
    "beat_retried": Flash("good", "Trying again now."),
    "beat_skipped": Flash("good", "Left out. It goes on without it."),
    "beat_cancelled": Flash("good", "Stopped, until somebody tries it again."),
    "beat_is_over": Flash("note", "That beat is over: nothing is left to do about it."),
    "exemption_granted": Flash("good", "Exempt. No automatic hold is proposed for this customer until then."),
    "exemption_granted_on_hold": Flash(
        "note", "Exempt. The service hold was approved by a person and stays: only its release lifts it."
    ),
    "exemption_ended": Flash("good", "Ended. Automatic holds are possible again."),
    "drift_checked": Flash("good", "Checked."),
    "drift_check_started": Flash("note", "The check is under way. Its result appears here when it is done."),
    "drift_repair_ordered": Flash("good", "NetSuite is being written again."),
    "drift_accepted": Flash("good", "Accepted. It is not asked about again until NetSuite says something else."),
    "message_saved": Flash("good", "Saved as a new revision. Nothing is sent until somebody approves it."),
    "message_unchanged": Flash("note", "Nothing was changed."),
    "message_approved": Flash("good", "Approved. It leaves when its cooling-off ends."),
    "message_leaving": Flash("good", "Approved. It is on its way."),
    "message_discarded": Flash("good", "Discarded. It will not be sent."),
    "message_recalled": Flash("good", "Recalled. It was not sent, and waits for review again."),
    "delivery_retried": Flash("good", "Trying to send it again now."),
    "delivery_settled": Flash("good", "Noted."),
    "scan_started": Flash("good", "The scan was started. Its row appears below in a moment."),
    "schedule_paused": Flash("good", "Paused: no scan becomes due until you resume."),
    "schedule_resumed": Flash("good", "Resumed."),
    "load_made": Flash("good", "Made: it is quoted."),
    "load_advanced": Flash("good", "Moved on."),
    "profile_changed": Flash("good", "Saved."),
    "tariffs_blocked": Flash("good", "Blocked."),
    "tariffs_were_blocked": Flash("note", "That was blocked already: the entry that does so stands."),
    "block_deleted": Flash("good", "Deleted. The block is lifted."),
    "org_settings_changed": Flash("good", "Saved. It counts from the next change of an amount on."),
    "organisation_created": Flash("good", "Added. Everything is off until you switch it on."),
    "policy_changed": Flash("good", "Saved. The new version is in force."),
    "policy_unchanged": Flash("note", "Nothing was changed."),
    "template_changed": Flash("good", "Saved. The next draft uses this version."),
    "password_changed": Flash("good", "Your password was changed. You were signed out everywhere else."),
    "sessions_ended": Flash("good", "Signed out there."),
    "absence_added": Flash("good", "Noted. The delegate is told and decides for as long as it lasts."),
    "absence_ended": Flash("good", "Ended. Nobody stands in any more."),
    "contact_changed": Flash("good", "Saved."),
    "role_changed": Flash("good", "Saved. The role counts from the next request on."),
    "user_disabled": Flash("good", "Disabled, and signed out everywhere."),
    "user_enabled": Flash("good", "Enabled again."),
    "device_confirmed": Flash("good", "Confirmed. The program goes on by itself in a few seconds."),
    "device_denied": Flash("note", "Denied. The program was told so, and may do nothing."),
    "token_revoked": Flash("good", "Revoked. The token does not work any more."),
}
"""Code -> what is said."""


def see_other(path: str, flash: str | None = None) -> RedirectResponse:
    """Return the answer to a form that worked: go to `path`, and say `flash` there."""
    response = RedirectResponse(path, 303)
    if flash is not None:
        if flash not in FLASHES:
            raise KeyError(flash)
        response.set_cookie(_COOKIE, flash, max_age=_SECONDS, httponly=True, samesite="lax")
    return response


def found(request: Request) -> Flash | None:
    return FLASHES.get(request.cookies.get(_COOKIE, ""))


def clear(request: Request, response: Response) -> None:
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, httponly=True, samesite="lax")
