"""`python -m desk`: serve the desk until SIGTERM."""

import os

import uvicorn
from starlette.types import ASGIApp

from desk.app import create_app
from runtime import logs
from runtime.leaving import leave
from runtime.settings import Settings


def server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """Return what serves the desk: on which address, and whom it believes where a request came from."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.desk_host,
            port=settings.desk_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            # By default nobody, not uvicorn's 127.0.0.1: any program on this machine could give itself other addresses.
            forwarded_allow_ips=settings.desk_proxies or os.environ.get("FORWARDED_ALLOW_IPS", ""),
        )
    )


def main() -> int:
    settings = Settings()
    logs.configure(as_json=settings.log_format == "json", level=settings.log_level)
    server(create_app(settings), settings).run()
    return 0


if __name__ == "__main__":
    leave(main())
