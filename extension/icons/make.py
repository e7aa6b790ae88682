"""Draws the PNG icons from the SVG sources with Chromium: `python extension/icons/make.py`.

The results are committed.
"""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
# Small sizes have their own drawing, with a stronger line.
SIZES = {16: "gomaa-small.svg", 32: "gomaa-small.svg", 48: "gomaa.svg", 128: "gomaa.svg"}


def main() -> None:
    """Writes gomaa-16.png to gomaa-128.png beside the sources."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        for size, source in SIZES.items():
            page.set_viewport_size({"width": size, "height": size})
            data = base64.b64encode((HERE / source).read_bytes()).decode()
            page.set_content(
                f'<body style="margin:0"><img width="{size}" height="{size}" style="display:block" '
                f'src="data:image/svg+xml;base64,{data}">'
            )
            page.wait_for_function("document.images[0].complete")
            page.screenshot(path=HERE / f"gomaa-{size}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
