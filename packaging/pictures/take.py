"""Takes the pictures of README from a running daemon: `python packaging/pictures/take.py`.

Load a model or two first and keep them busy (`llmd bench --quick` in another terminal), so that there is something to see.
"""

import asyncio
import sys
from pathlib import Path

from llmd.config.paths import find_paths
from llmd.tui.app import LlmdApp

HERE = Path(__file__).parent
SIZE = (120, 34)
PAGES = {"dashboard": (), "models": (), "chat": (), "requests": (), "logs": ("w",)}
SECONDS = 20.0


async def take(page: str, keys: tuple[str, ...], seconds: float) -> None:
    """Write the picture of one page, after it was watched for a while."""
    app = LlmdApp(find_paths(), page=page)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        await asyncio.sleep(seconds)
        await pilot.pause()
        (HERE / f"{page}.svg").write_text(app.export_screenshot(title="llmd"), encoding="utf-8")


async def main(pages: list[str]) -> None:
    """Take those that are named, or all."""
    for page in pages or PAGES:
        await take(page, PAGES[page], SECONDS if page == "dashboard" else 2.0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
