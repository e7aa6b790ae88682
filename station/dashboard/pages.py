"""Rendering of the operator's pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment

from pywallet.encoding.amounts import DECIMALS, show
from pywallet.encoding.hex import checksum, to_hex
from pywallet.errors import SENTENCES
from station.config import StationConfig
from station.dashboard.money import DAY_S
from station.dashboard.plots import Plot, lines, stacked_bars
from station.dashboard.views import STEPS, DashboardViews, Overview, SongRow, Statement
from station.dashboard.words import WORDS
from station.db.posted import EpochRow

PAGES: Final = (("/studio/", "overview"), ("/studio/songs", "songs"), ("/studio/statements", "statements"))
"""Path and word of each page of the menu."""
_LABELS: Final = {7: 1, 28: 7, 365: 61}
"""By range, the days between two labels of a plot."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Viewer of a page: language, and the form key of a signed-in operator."""

    language: str
    form_key: str | None


class DashboardPages:
    """Renders the templates of ``studio/``.

    Args:
        config: The station's settings.
        environment: The station's templates.
        views: For songs by content.
    """

    def __init__(self, config: StationConfig, environment: Environment, views: DashboardViews) -> None:
        self._config = config
        self._environment = environment
        self._views = views

    def sign_in(self, viewer: Viewer, *, denied: bool = False) -> str:
        """The form with the admin token."""
        problem = WORDS[viewer.language]["denied"] if denied else ""
        return self._fill("sign_in.html", viewer, "", problem=problem)

    def overview(self, viewer: Viewer, view: Overview) -> str:
        """The first page."""
        words = WORDS[viewer.language]
        days = [datetime.fromtimestamp((view.first_day + at) * DAY_S, UTC) for at in range(view.days)]
        names = _named(days, _LABELS[view.days])
        plays = [sums.plays for sums in view.daily]
        spent = [amount / 10**DECIMALS for amount in view.gross_by_day]
        heard = sum(seconds for _, seconds in view.genres)
        return self._fill(
            "overview.html",
            viewer,
            "/studio/",
            view=view,
            plays=sum(plays),
            refused=sum(sums.refused for sums in view.daily),
            spent=sum(view.gross_by_day),
            plays_plot=stacked_bars(
                [plays], names, [f"{day:%Y-%m-%d}: {n:,}" for day, n in zip(days, plays, strict=True)]
            ),
            spent_plot=stacked_bars(
                [spent], names, [f"{day:%Y-%m-%d}: {show(n)}" for day, n in zip(days, view.gross_by_day, strict=True)]
            ),
            audience_plot=_audience(view),
            genres=[(name, f"{100 * part / heard:.1f}", span(part, words)) for name, part in view.genres],
            refusals=[(code, number, help_for(code, words)) for code, number in view.refusals],
        )

    def songs(self, viewer: Viewer, days: int, rows: Sequence[SongRow]) -> str:
        """The catalogue with licences and plays."""
        return self._fill("songs.html", viewer, "/studio/songs", days=days, rows=rows)

    def statements(self, viewer: Viewer, days: int, rows: Sequence[EpochRow], older_s: int | None) -> str:
        """The posted epochs; ``older_s``: those that began before this time, Unix s, are on another page."""
        return self._fill("statements.html", viewer, "/studio/statements", days=days, rows=rows, older_s=older_s)

    def statement(self, viewer: Viewer, statement: Statement, station: bytes, server_url: str) -> str:
        """One posted epoch, with the command that gives the same numbers."""
        command = (
            f"gomaa report station {checksum(station)} --deployment {self._config.deployment_file.name} "
            f"--data {server_url} --form csv"
        )
        row = statement.row
        return self._fill(
            "statement.html", viewer, "/studio/statements", row=row, lines=statement.lines, command=command
        )

    def _fill(self, template: str, viewer: Viewer, here: str, **values: Any) -> str:
        words = WORDS[viewer.language]
        return self._environment.get_template(f"studio/{template}").render(
            station=self._config,
            w=words,
            language=viewer.language,
            form_key=viewer.form_key,
            pages=[(path, words[word]) for path, word in PAGES] if viewer.form_key else [],
            here=here,
            show=show,
            exact=lambda amount: show(amount, 18),
            address=to_hex,
            short=lambda address: f"{to_hex(address)[:8]}…{to_hex(address)[-4:]}",
            date=lambda time_s: f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M}",
            span=lambda seconds: span(seconds, words),
            named=self._views.named,
            **values,
        )


def help_for(code: str, words: Any) -> str:
    """Advice about a refusal; the sentence of its code where there is none."""
    return str(words.get(f"help.{code}", SENTENCES.get(code, code)))


def span(seconds: int, words: Any) -> str:
    """A heard time in hours, or in minutes below ten hours."""
    if seconds >= 36_000:
        return str(words["hours"].format(number=f"{seconds // 3600:,}"))
    return str(words["minutes"].format(number=f"{seconds // 60:,}"))


def _audience(view: Overview) -> Plot:
    """Both lines over all steps of the range; a step without a slot is zero."""
    step_s = STEPS[view.days]
    begin = view.first_day * DAY_S
    count = view.days * DAY_S // step_s
    peaks = {at: (extension, plain) for at, extension, plain in view.audience}
    both = [peaks.get(begin + at * step_s, (0, 0)) for at in range(count)]
    times = [datetime.fromtimestamp(begin + at * step_s, UTC) for at in range(count)]
    names = _named(times, _LABELS[view.days] * DAY_S // step_s)
    return lines([[pair[0] for pair in both], [pair[1] for pair in both]], names)


def _named(times: Sequence[datetime], every: int) -> list[str]:
    """A date at every so many steps, not too near to the right edge."""
    last = len(times) - every // 2
    return [f"{time:%m-%d}" if at % every == 0 and at < max(1, last) else "" for at, time in enumerate(times)]
