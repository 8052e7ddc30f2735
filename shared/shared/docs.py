"""The API's document as a page, at `/api/docs`: everything it shows comes from this origin."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from shared.errors import NotFound

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def routes() -> APIRouter:
    """Return the page and the three files it needs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/api/docs", operation_id="show_docs")
    async def show_docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/api/openapi.json",
            title="ImpacterAGI",
            swagger_js_url="/api/docs/swagger-ui-bundle.js",
            swagger_css_url="/api/docs/swagger-ui.css",
            swagger_favicon_url="/api/docs/favicon.png",
        )

    @router.get("/api/docs/{name}", operation_id="show_docs_asset")
    async def show_asset(name: str) -> FileResponse:
        if name not in ASSETS:
            raise NotFound
        path = files("fastapi_offline") / "static" / name
        return FileResponse(str(path), media_type=ASSETS[name])

    return router
