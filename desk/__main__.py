"""`python -m desk`: serve the desk until SIGTERM."""

import uvicorn

from desk.app import create_app
from runtime import logs
from runtime.leaving import leave
from runtime.settings import Settings


def main() -> int:
    settings = Settings()
    logs.configure(as_json=settings.log_format == "json", level=settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.desk_host,
        port=settings.desk_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        forwarded_allow_ips=None,
    )
    return 0


if __name__ == "__main__":
    leave(main())
