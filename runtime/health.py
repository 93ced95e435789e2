"""`/healthz`, `/readyz` and `/metrics` of a process without a web server of its own."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from runtime.metrics import Metrics


class HealthServer:
    """Answers on its own thread while the block lasts. Ready means: set so, and the database answers."""

    def __init__(self, host: str, port: int, engine: Engine, metrics: Metrics) -> None:
        self.ready = False
        self._engine = engine
        health = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, metrics.text())
                    return
                known = {"/healthz": True, "/readyz": health.is_ready()}
                ok = known.get(self.path)
                status = HTTPStatus.NOT_FOUND if ok is None else HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "text/plain", f"{status.phrase}\n".encode())

            def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Probes are not news."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True

    def is_ready(self) -> bool:
        if not self.ready:
            return False
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
