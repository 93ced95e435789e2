"""The web pages: every action is a plain form that works without JavaScript; scripts only add comfort."""

from fastapi import FastAPI

from desk.pages import (
    accounting_profile,
    aging,
    assets,
    audit,
    credit_hold,
    customers,
    drift,
    errors,
    hold,
    hold_beats,
    hold_in_force,
    loads,
    message,
    org_settings,
    queue,
    rates,
    report,
    settings,
    start,
)


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
