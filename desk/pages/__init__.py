"""The web pages: every action is a plain form that works without JavaScript; scripts only add comfort."""

from fastapi import FastAPI

from desk.pages import assets, audit, errors, settings
from desk.pages.freight import accounting_profile, credit_hold, loads, org_settings, rates
from desk.pages.holds import beats as hold_beats
from desk.pages.holds import hold, queue, report, start
from desk.pages.holds import in_force as hold_in_force
from desk.pages.messages import message
from desk.pages.netsuite import drift
from desk.pages.receivables import aging, customers


def install(app: FastAPI) -> None:
    """Add the pages, their static files, and errors as pages. Call it after every other error handler is there."""
    for module in (
        queue,
        start,
        hold,
        hold_beats,
        hold_in_force,
        message,
        accounting_profile,
        credit_hold,
        customers,
        aging,
        drift,
        report,
        audit,
        settings,
        org_settings,
        rates,
        loads,
    ):
        app.include_router(module.router)
    app.mount("/static", assets.static_files, name="static")
    errors.install(app)
