"""Pictures of every screen in light, dark, English and Chinese, under build/shots.

`shots.py [part of a name] …` for some.
"""

from __future__ import annotations

import sys

from scenarios import failures, scenarios
from stage import ROOT, NoFont, chromium, require_font, shown

OUT = ROOT / "build" / "shots"


def main(wanted: list[str]) -> None:
    """Draws the screens whose name-language-theme contains one of ``wanted``, all when it is empty."""
    OUT.mkdir(parents=True, exist_ok=True)
    with chromium() as stage:
        for language in ("en", "zh"):
            for name, scenario in (scenarios(language) | failures(language)).items():
                for theme in ("light", "dark"):
                    label = f"{name}-{language}-{theme}"
                    if wanted and not any(part in label for part in wanted):
                        continue
                    require_font(stage, language)
                    with shown(stage, scenario, language, theme) as page:
                        if scenario.page.startswith("player"):
                            page.locator("#player").screenshot(path=OUT / f"{label}.png")
                        else:
                            page.screenshot(path=OUT / f"{label}.png", full_page=scenario.page.startswith("onboarding"))
                    print(label)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NoFont as e:
        sys.exit(str(e))
