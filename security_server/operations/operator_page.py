"""The operator's page, rendered on the server."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.version import VERSION
from pywallet.encoding.hex import to_hex
from security_server.epochs.settlement_state import State
from security_server.operations.advice import advice_for_code, advise
from security_server.operations.overview import Overview

_WEI: Final = Decimal(10**18)


def amount(wei: int) -> str:
    """An amount with four decimals, rounded towards zero."""
    return str((Decimal(wei) / _WEI).quantize(Decimal("0.0001"), rounding="ROUND_DOWN"))


class OperatorPage:
    """Renders overviews.

    Args:
        server: Address of the server, 20 bytes.
        chain_id: Id of the network.
    """

    def __init__(self, server: bytes, chain_id: int) -> None:
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"amount": amount, "hex": to_hex}
        environment.globals |= {
            "server": to_hex(server),
            "chain_id": chain_id,
            "version": VERSION,
            "states": [str(state) for state in State],
            "advice_for_code": advice_for_code,
        }
        self._template = environment.get_template("operator.html")

    def render(self, overview: Overview) -> str:
        """The page of an overview, HTML."""
        refusals = sorted(overview.stored.refusals.items(), key=lambda item: -item[1])
        return self._template.render(now=overview, advice=list(advise(overview)), refusals=refusals)
