"""The options ``--workers`` and ``--dask`` of commands whose work can be spread."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from common.spread import Spread


def spread_options(
    default: int = 1, alias: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator that adds both options; the command gets one argument, ``spread``.

    Args:
        default: Processes without ``--workers``.
        alias: Further names of ``--workers``.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--workers",
            *alias,
            "workers",
            type=click.IntRange(1),
            default=default,
            show_default=True,
            help="Processes of this computer that share the work.",
        )
        @click.option(
            "--dask",
            metavar="ADDRESS",
            help="Share the work on a Dask cluster instead, e.g. tcp://127.0.0.1:8786 (extra dask).",
        )
        @functools.wraps(command)
        def spread_command(*arguments: Any, workers: int, dask: str | None, **options: Any) -> None:
            given = click.get_current_context().get_parameter_source("workers")
            if dask is not None and given is click.core.ParameterSource.COMMANDLINE:
                raise click.UsageError("--workers and --dask exclude each other.")
            command(*arguments, spread=Spread(workers, dask), **options)

        return spread_command

    return decorate
