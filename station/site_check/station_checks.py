"""Site check of the station: its record, its ticket address and the proof of the domain."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from chain import domain_proof
from common.http_body import read_up_to
from messages.station_http import BODY_HEADER
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.protocol.foreign_errors import code_from
from station.site_check.report import MAX_BYTES, CheckFailure, origin_of

if TYPE_CHECKING:
    import aiohttp

RECORD: Final = "/.well-known/gomaa.json"


async def check_record(session: aiohttp.ClientSession, origin: str) -> str:
    """Check that the station's record exists and is for this domain. Raises CheckFailure."""
    record = await _fetch_json(
        session, origin + RECORD, "run gomaa station run behind this site, and pass /.well-known/ and /gomaa/ on to it"
    )
    if record.get("domain") != urlsplit(origin).netloc:
        raise CheckFailure(
            f"the station says it is {record.get('domain')}",
            f'set domain = "{urlsplit(origin).netloc}" in station.toml',
        )
    if origin_of(urljoin(origin, str(record.get("tickets", "")))) != origin or not record.get("tickets"):
        raise CheckFailure("tickets are given on another site", "let tickets be a path of this site")
    return f"{record.get('name')}, {record.get('station')}"


async def check_tickets(session: aiohttp.ClientSession, origin: str) -> str:
    """Check that an empty request to the ticket address gets an error with a known code. Raises CheckFailure."""
    fix = f"pass GET and POST {origin}/gomaa/tickets on to gomaa station run, with the header {BODY_HEADER}"
    record = await _fetch_json(session, origin + RECORD, fix)
    # As the player requests.
    question = {BODY_HEADER: base64.urlsafe_b64encode(b"{}").decode().rstrip("=")}
    async with session.get(
        urljoin(origin, str(record.get("tickets", ""))), headers=question, allow_redirects=False
    ) as answer:
        try:
            value = json.loads(await read_up_to(answer.content, MAX_BYTES))
            code = code_from("station", value["error"]["code"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise CheckFailure(f"status {answer.status}, and no ticket desk answers", fix) from None
    return f"the ticket desk answers ({code} to an empty question)"


async def check_proof(session: aiohttp.ClientSession, origin: str) -> str:
    """Check that the proof of the domain exists and is signed by the record's station. Raises CheckFailure."""
    fix = (
        f"pass {domain_proof.PATH} on to gomaa station run, which signs it, or serve the file that gomaa chain "
        f"apply-station makes there"
    )
    proof = await _fetch_json(session, origin + domain_proof.PATH, fix)
    record = await _fetch_json(session, origin + RECORD, fix)
    try:
        network, registry = int(proof["chain"]), from_hex(proof["registry"], 20)
        station = from_hex(record["station"], 20)
        domain_proof.check(json.dumps(proof).encode(), network, registry, urlsplit(origin).netloc, station)
    except (GomaaError, KeyError, TypeError, ValueError) as e:
        reason = e.detail.get("reason", e.code) if isinstance(e, GomaaError) else f"not a proof: {type(e).__name__}"
        raise CheckFailure(str(reason), fix) from None
    return f"signed by this station for chain {network}"


async def _fetch_json(session: aiohttp.ClientSession, url: str, fix: str) -> dict[str, Any]:
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise CheckFailure(f"{url}: status {answer.status}", fix)
        try:
            value = json.loads(await read_up_to(answer.content, MAX_BYTES))
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise CheckFailure(f"{url} is no JSON object", fix)
    return value
