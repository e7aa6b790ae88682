"""Column types that all tables share, in portable SQL.

A name means the same in every table. The content of a column is its ``doc``; the suffix of a name is its unit: ``_ms``
and ``_s`` (a time: Unix milliseconds, Unix seconds; a duration: milliseconds, seconds), ``_bps`` (basis points). These
names are in many tables:

======================  ============================================================================================
``epoch``               Number of a settlement epoch
``content``             Address of a content's contract, 20 bytes
``listener``            Address of the account that a session names as listener, 20 bytes
``station_address``     Address of a station, 20 bytes
``device``              Address of a host's device key, 20 bytes
``payee``               Address that receives rewards or an owner's earnings, 20 bytes; zero: rewards are declined
``payer``               Address whose escrow pays: a station, or a listener where the policy says so, 20 bytes
``session``             EIP-712 digest of a session, 32 bytes
``ticket``              EIP-712 digest of a ticket, 32 bytes
``sequence``            Number of an invocation within its session
``signature``           Signature under the message that the row holds, 65 bytes
``price``, ``reward``   Wei per interval, for the owner and for the listener
``net``                 Wei before commission
``bps``                 Commission, basis points
``cap``, ``until``      Fields of a voucher: most cumulative gross in wei, last epoch in which it may be used
``code``                Error code of a refusal
======================  ============================================================================================
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA: Final = MetaData()
"""All tables of the server's database."""


class Wei(TypeDecorator[int]):
    """A non-negative integer as decimal text, because 2^128 wei fit no SQL integer."""

    impl = String(80)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Decimal text for the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """An integer for the program."""
        return None if value is None else int(value)


def binary(name: str, length: int | None, doc: str, *, key: bool = False, null: bool = False) -> Column[bytes]:
    """A column of bytes.

    Args:
        name: The column's name.
        length: In bytes; None: any.
        doc: Its content.
        key: True if it is part of the primary key.
        null: True if it may be null.
    """
    return Column(name, LargeBinary(length), primary_key=key, nullable=null, doc=doc)


def integer(name: str, doc: str, *, key: bool = False, null: bool = False, default: int | None = None) -> Column[int]:
    """A column of 64-bit integers; arguments as for ``binary``, ``default`` is the server's."""
    server_default = None if default is None else str(default)
    return Column(
        name, BigInteger, primary_key=key, nullable=null, server_default=server_default, autoincrement=False, doc=doc
    )


def wei(name: str, doc: str, *, key: bool = False, default: int | None = None) -> Column[int]:
    """A column of amounts; arguments as for ``integer``."""
    return Column(
        name,
        Wei,
        primary_key=key,
        nullable=False,
        server_default=None if default is None else str(default),
        doc=doc,
    )


def text(
    name: str, length: int | None, doc: str, *, key: bool = False, null: bool = False, default: str | None = None
) -> Column[str]:
    """A column of text of at most ``length`` characters; other arguments as for ``integer``."""
    kind = Text() if length is None else String(length)
    return Column(name, kind, primary_key=key, nullable=null, server_default=default, doc=doc)
