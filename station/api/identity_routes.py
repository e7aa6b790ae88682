"""Routes under ``/.well-known``: the station's record and the proof of its domain."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from msgspec import UNSET

from chain import domain_proof
from chain.deployment import Deployment
from messages.station_http import StationRecordResult
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from station.api.keys import ADDRESS, CONFIG, DIRECTORY
from station.api.page_routes import not_found
from station.api.responses import OPEN, answer, validated
from station.config import StationConfig


async def record(request: web.Request) -> web.Response:
    """``GET /.well-known/gomaa.json``: the station's record."""
    config = request.app[CONFIG]
    servers = await asyncio.to_thread(request.app[DIRECTORY].addresses)
    network = await asyncio.to_thread(_network, config)
    response = answer(
        StationRecordResult(
            station=to_hex(request.app[ADDRESS]),
            name=config.name,
            domain=config.domain,
            tickets="/gomaa/tickets",
            points="/gomaa/points",
            passages="/gomaa/passages/",
            servers=sorted(map(to_hex, servers)),
            network=UNSET if network is None else network,
        )
    )
    response.headers.update(OPEN)
    return response


def _network(config: StationConfig) -> dict[str, Any] | None:
    """The deployment with the public node in place of the station's own; None without a public node."""
    if config.public_rpc is None:
        return None
    try:
        return {**Deployment.load(config.deployment_file).to_json(), "rpc": config.public_rpc}
    except (OSError, GomaaError):
        return None


async def proof(config: StationConfig, key: bytes, request: web.Request) -> web.Response:
    """``GET /.well-known/gomaa-station.json``: the signed proof that the domain is this station's; deterministic."""
    try:
        made = await asyncio.to_thread(Deployment.load, config.deployment_file)
    except (OSError, GomaaError):
        return await not_found(request)
    raw = await asyncio.to_thread(domain_proof.make, key, made.chain_id, made.registry, config.domain)
    return validated(request, web.Response(body=raw, content_type="application/json", headers=OPEN))
