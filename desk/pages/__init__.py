"""The web pages: every action is a plain form that works without JavaScript; scripts only add comfort."""

from fastapi import FastAPI

from desk.pages import (
    aging,
    assets,
    audit,
    customers,
    drift,
    errors,
    hold,
    hold_beats,
    hold_in_force,
    message,
    queue,
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
        customers,
        aging,
        drift,
        report,
        audit,
        settings,
    ):
        app.include_router(module.router)
    app.mount("/static", assets.static_files, name="static")
    errors.install(app)
