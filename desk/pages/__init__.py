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

_HOLDS = (queue, start, hold, hold_beats, hold_in_force, report)
_CUSTOMERS = (accounting_profile, credit_hold, customers)  # a customer's own page takes any path, and comes last
_FREIGHT = (org_settings, rates, loads)


def install(app: FastAPI) -> None:
    """Add the pages, their static files, and errors as pages. Call it after every other error handler is there."""
    for module in (*_HOLDS, message, *_CUSTOMERS, aging, drift, audit, settings, *_FREIGHT):
        app.include_router(module.router)
    app.mount("/static", assets.static_files, name="static")
    errors.install(app)
