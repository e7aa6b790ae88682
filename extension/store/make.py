"""``python extension/store/make.py``: what the stores ask for, under dist/store.

Texts, screenshots 1280 x 800, a tile 440 x 280.

The screens are the extension's own pages with the scripted messages of tests/ui_preview; nothing is drawn by hand.
"""

from __future__ import annotations

import base64
import html
import json
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
OUT: Final = ROOT / "dist" / "store"
LANGUAGES: Final = {"en": "en", "zh_CN": "zh"}

# Characters at most: Chrome Web Store (name, summary = the manifest's description, text), addons.mozilla.org (name,
# summary).
LIMITS: Final = {"name": 45, "summary": 132, "description": 15_000}

_PAGE: Final = """<!doctype html><meta charset="utf-8"><style>
* {{ margin: 0; box-sizing: border-box }}
body {{ width: {width}px; height: {height}px; overflow: hidden; font-family: "Noto Sans", "Noto Sans CJK SC", sans-serif;
  background: {paper}; color: {ink}; display: flex; align-items: center; justify-content: center; gap: 72px; padding: 0 72px }}
h1 {{ font-size: {size}px; line-height: 1.15; letter-spacing: -.02em; text-wrap: balance; max-width: 460px }}
p {{ margin-top: 16px; font-size: 20px; opacity: .8; text-wrap: balance }}
img.screen {{ max-width: 600px; max-height: 720px; border-radius: 20px; box-shadow: 0 18px 48px rgb(58 26 44 / .25) }}
img.mark {{ width: {mark}px; margin-bottom: 20px; display: block }}
</style><div><img class="mark" src="{icon}"><h1>{title}</h1><p>{below}</p></div>{screen}"""  # noqa: E501
_COLOURS: Final = {"light": ("#f4eeea", "#2a1825"), "dark": ("#171015", "#f7ede9")}


def texts(language: str) -> dict[str, Any]:
    """A store's texts. Raises ValueError where one is longer than a store takes, or not the manifest's."""
    found = tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8"))
    for name, most in LIMITS.items():
        if not 0 < len(found[name].strip()) <= most:
            raise ValueError(f"{language}: {name} has {len(found[name])} characters of {most}")
    messages = json.loads((ROOT / "extension" / "_locales" / language / "messages.json").read_text(encoding="utf-8"))
    if (found["name"], found["summary"]) != (messages["appName"]["message"], messages["appDescription"]["message"]):
        raise ValueError(f"{language}: name and summary are the manifest's")
    return found


def main() -> None:
    """Make everything anew."""
    sys.path.insert(0, str(ROOT / "tests" / "ui_preview"))
    from scenarios import scenarios
    from stage import NoFont, chromium, require_font, shown

    icon = (
        "data:image/png;base64,"
        + base64.b64encode((ROOT / "extension" / "icons" / "gomaa-128.png").read_bytes()).decode()
    )
    with chromium() as stage:
        try:
            for spoken in LANGUAGES.values():
                require_font(stage, spoken)
        except NoFont as e:
            raise SystemExit(str(e)) from None
        for language, spoken in LANGUAGES.items():
            words, folder = texts(language), OUT / language
            folder.mkdir(parents=True, exist_ok=True)
            for name in LIMITS:
                (folder / f"{name}.txt").write_text(words[name].strip() + "\n", encoding="utf-8")
            for number, (screen, caption) in enumerate(words["captions"].items(), 1):
                theme = "dark" if number % 2 == 0 else "light"
                with shown(stage, scenarios(spoken)[screen], spoken, theme) as page:
                    part = page.locator("#player") if screen.startswith("player") else page
                    image = (
                        f'<img class="screen" '
                        f'src="data:image/png;base64,{base64.b64encode(part.screenshot()).decode()}">'
                    )
                _draw(
                    stage.browser,
                    folder / f"{number}-{screen}.png",
                    (1280, 800),
                    theme,
                    icon,
                    caption,
                    words["tagline"],
                    image,
                )
            _draw(stage.browser, folder / "tile.png", (440, 280), "dark", icon, words["name"], words["tagline"], "")
            print(folder, file=sys.stderr)


def _draw(
    browser: Any, file: Path, size: tuple[int, int], theme: str, icon: str, title: str, below: str, screen: str
) -> None:
    paper, ink = _COLOURS[theme]
    width, height = size
    words = {"title": html.escape(title), "below": html.escape(below), "icon": icon, "screen": screen}
    page = browser.new_page(viewport={"width": width, "height": height})
    try:
        large = 44 if screen else 34
        page.set_content(
            _PAGE.format(
                width=width, height=height, paper=paper, ink=ink, size=large, mark=64 if screen else 48, **words
            )
        )
        page.screenshot(path=file)
    finally:
        page.close()


if __name__ == "__main__":
    main()
