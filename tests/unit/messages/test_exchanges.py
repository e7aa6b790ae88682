"""The registry of exchanges against the programs that answer them."""

from __future__ import annotations

import importlib
import re
from typing import get_args, get_type_hints

import pytest
from aiohttp import web

from chain import domain_proof
from common.style import LAMPLIGHT
from messages import exchanges
from messages.browser_host.events import Event
from messages.exchange import Exchange
from messages.host_server.events import ServerEvent
from native_host.messaging import dispatcher
from security_server.api.http import HttpApi, Probes
from security_server.api.requests import Operation
from station.api import app
from station.config import StationConfig

PATTERN = re.compile(r":(?:[^{}]|{[0-9,]+})+(?=})")
"""Pattern of a path's variable."""


@pytest.mark.parametrize("exchange", exchanges.BROWSER_HOST, ids=lambda exchange: exchange.name)
def test_the_host_answers_with_the_registered_result(exchange: Exchange) -> None:
    """The extension's types would be those of another result."""
    module = dispatcher._FILES.get(exchange.name, exchange.name)
    hints = get_type_hints(importlib.import_module(f"native_host.operations.{module}").run)
    assert hints["return"] == exchange.result
    assert exchange.request in hints.values()


def test_the_server_decodes_the_registered_operations() -> None:
    """An operation that is documented would be refused, or one that is not would run."""
    assert [exchange.request for exchange in exchanges.HOST_SERVER] == list(get_args(Operation))
    for exchange in exchanges.HOST_SERVER:
        assert exchange.request is not None
        assert exchange.request.__struct_config__.tag == exchange.name


def test_the_server_has_the_registered_routes() -> None:
    """A route without its entry would be missing in the reference."""
    handlers = (HttpApi.__new__(HttpApi), Probes.__new__(Probes))
    routes = {f"{route.method} {route.path}" for each in handlers for route in each.routes()}
    assert routes - {"GET /v1/epochs/{epoch}/data"} == {exchange.name for exchange in exchanges.SERVER_HTTP}


def test_the_station_has_the_registered_routes() -> None:
    """A route of messages without its entry would be missing in the reference; the others are pages and files."""
    routes = {
        f"{route.method} {PATTERN.sub('', route.path)}"
        for route in app._routes(StationConfig.__new__(StationConfig), bytes(32))
        if isinstance(route, web.RouteDef)
    }
    registered = {exchange.name for exchange in exchanges.STATION_HTTP}
    assert registered <= routes
    others = routes - registered - {name.replace("POST", "GET") for name in registered}
    assert others == {
        "GET /",
        *(f"GET /{page}" for page in ("embed", "gomaa/ad-free", "install", "song/{name}", "works", "{path}")),
        *(f"GET /songs/{{name}}.{kind}" for kind in ("segments/{part}", "sps", "sps.html")),
        f"GET /static/{LAMPLIGHT.name}",
        f"GET {domain_proof.PATH}",
        "GET /art/{content}.svg",
        "OPTIONS /songs/{name}.sps",
        *(f"GET /studio{page}" for page in ("", "/", "/songs", "/statements", "/statements/{server}/{epoch}")),
        *(f"POST /studio/sign-{way}" for way in ("in", "out")),
    }


def test_events_have_the_names_of_their_tags() -> None:
    """An event without its entry would be missing in the types of its readers."""
    for named, kinds in (
        (exchanges.BROWSER_HOST_EVENTS, Event.__subclasses__()),
        (exchanges.HOST_SERVER_EVENTS, get_args(ServerEvent)),
    ):
        assert list(named.values()) == list(kinds)
        assert list(named) == [kind.__struct_config__.tag for kind in kinds]


def test_no_exchange_is_registered_twice() -> None:
    """Of two entries of one name only the last would have a type."""
    for line in (exchanges.BROWSER_HOST, exchanges.HOST_SERVER, exchanges.SERVER_HTTP, exchanges.STATION_HTTP):
        names = [exchange.name for exchange in line]
        assert len(set(names)) == len(names)
