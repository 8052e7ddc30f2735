"""The API's document as a page, at `/api/docs`: everything it shows comes from this origin, and no script is in it."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

from shared.errors import NotFound

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ImpacterAGI: the API</title>
<link rel="icon" href="/api/docs/favicon.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""


def routes() -> APIRouter:
    """Return the page and the files it needs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/api/docs", operation_id="show_docs")
    async def show_docs() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @router.get("/api/docs/start.js", operation_id="start_docs")
    async def start_docs() -> Response:
        return Response(START, media_type="text/javascript")

    @router.get("/api/docs/{name}", operation_id="show_docs_asset")
    async def show_asset(name: str) -> FileResponse:
        if name not in ASSETS:
            raise NotFound
        path = files("fastapi_offline") / "static" / name
        headers = {"Cache-Control": "public, max-age=86400"}
        return FileResponse(str(path), media_type=ASSETS[name], headers=headers)

    return router
