"""Takes the pictures of README from a running daemon: `python packaging/pictures/take.py`.

Load a model or two first and keep them busy (`llmd bench --quick` in another terminal), so that there is something to see. What the
chat page asks is what the built-in model can answer. A picture that shows a path of the machine it was taken on is not kept.
"""

import asyncio
import sys
from pathlib import Path

from llmd.config.paths import find_paths
from llmd.tui.app import LlmdApp

HERE = Path(__file__).parent
SIZE = (120, 34)
LINES = (
    "What is the capital of France?",
    "Tell me a story about a fox.",
    "What is the capital of Japan?",
)
PAGES = {
    "dashboard": (),
    "models": ("down",) * 5,
    "chat": tuple(key for line in LINES for key in (*line, "enter", "wait:3000")),
    "requests": (),
    "logs": ("w",),
}
SECONDS = 20.0


async def take(page: str, keys: tuple[str, ...], seconds: float) -> None:
    """Write the picture of one page, after it was watched for a while."""
    app = LlmdApp(find_paths(), page=page)
    async with app.run_test(size=SIZE) as pilot:
        await asyncio.sleep(1)
        await pilot.press(*keys)
        await asyncio.sleep(seconds)
        await pilot.pause()
        picture = app.export_screenshot(title="llmd")
        if any(str(place) in picture for place in (Path.home(), HERE.parents[1])):
            sys.exit(f"The picture of {page} shows a path of this machine.")
        (HERE / f"{page}.svg").write_text(picture, encoding="utf-8")


async def main(pages: list[str]) -> None:
    """Take those that are named, or all."""
    for page in pages or PAGES:
        await take(page, PAGES[page], SECONDS if page == "dashboard" else 2.0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
