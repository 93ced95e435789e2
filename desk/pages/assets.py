"""`/static`: style sheets and scripts. Their addresses carry a hash of their content, so browsers keep them."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from desk.rendering import STATIC, version_of

_FOR_EVER = "public, max-age=31536000, immutable"


class HashedFiles(StaticFiles):
    """Static files: for ever under the address with their hash, asked about again under any other."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        wanted = scope["query_string"].decode().removeprefix("v=")
        fresh = (STATIC / path).is_file() and wanted == version_of(path)
        response.headers["Cache-Control"] = _FOR_EVER if fresh else "no-cache"
        return response


static_files = HashedFiles(directory=STATIC)
