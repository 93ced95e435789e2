"""`/api/docs`: the contract of the API, shown by Swagger UI from files of our own."""

from fastapi import APIRouter, Request, Response

from desk.rendering import render
from desk.security import API_DOCS_POLICY

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
async def api_docs(request: Request) -> Response:
    """Show the OpenAPI document."""
    response = render(request, "api_docs.html")
    response.headers["Content-Security-Policy"] = API_DOCS_POLICY
    return response
