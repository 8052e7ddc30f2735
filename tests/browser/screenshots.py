"""Pictures of every page, in light, dark and on a phone: `make screenshots`, into docs/screenshots/.

One product for each look, so that in each of them the same things have happened; colours are few enough for small files.
"""

import asyncio
import io
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser

from embedded import web
from tests.browser.chromium import find_chromium, running_chromium
from tests.browser.conftest import VARIABLES
from tests.browser.places import LOOKS, WINDOW, every_place
from tests.browser.visitors import Visitor
from tests.flows.product import Product, running
from tests.folders import temporary_folder

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
COLOURS = 192


async def main(looks: Sequence[str]) -> None:
    """Take the pictures of these looks anew."""
    await asyncio.to_thread(web.build)
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with running_chromium(find_chromium()) as browser:
        for look in looks:
            for file in FOLDER.glob(f"*-{look}.png"):
                file.unlink()
            with temporary_folder("screenshots") as folder:
                async with running("embedded", folder, **VARIABLES) as product:
                    await _take(browser, product, look)


async def _take(browser: Browser, product: Product, look: str) -> None:
    async with AsyncExitStack() as ending:

        async def arrive() -> Visitor:
            options = {"viewport": WINDOW, **LOOKS[look], "reduced_motion": "reduce"}
            context = await browser.new_context(locale="en-US", **options)
            ending.push_async_callback(context.close)
            return await Visitor.arriving(context, product)

        async for place in every_place(arrive):
            picture = await place.visitor.page.screenshot(animations="disabled", caret="hide")
            _keep(picture, FOLDER / f"{place.name}-{look}.png")
            sys.stderr.write(f"{place.name} {look}\n")


def _keep(picture: bytes, file: Path) -> None:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(LOOKS)))
