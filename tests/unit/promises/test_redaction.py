"""Redaction of errors: no secret part of a URL and no path of the machine leaves the process."""

from __future__ import annotations

import ast
import json
import logging
import sys
from io import StringIO
from pathlib import Path

import pytest

from pywallet.errors import PUBLIC_DETAIL, GomaaError, InputError, Unavailable
from pywallet.redacted_logs import JsonFormatter, RedactingFormatter, error_code
from pywallet.redaction import HIDDEN, conceal, hide_identifiers, place, redact, without_parts_of
from security_server.config import Config
from security_server.db.writer import Store

REPOSITORY = Path(__file__).parents[3]
NODE = "wss://user:hunter22@node.example:8443/v3/0123456789abcdef?key=zyxwvut"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (NODE, "wss://node.example:8443"),
        ("http://[::1]:8545/x", "http://[::1]:8545"),
        ("https://node.example", "https://node.example"),
        ("http://node.example:port/x", "[hidden]"),
        ("not a url", "[hidden]"),
        ("postgresql+psycopg://me:secret@db/books", "postgresql+psycopg://db"),
    ],
)
def test_place_is_scheme_host_and_port(url: str, shown: str) -> None:
    """No user, password, path or query."""
    assert place(url) == shown


def test_texts_for_logs_and_for_others() -> None:
    """Logs keep where a node is; others get neither a URL nor a path."""
    text = f"cannot reach {NODE}, see '/srv/secret/deployment.json'"
    assert redact(text) == "cannot reach wss://node.example:8443 see '/srv/secret/deployment.json'"
    assert conceal(text) == "cannot reach [hidden] see '[hidden]'"
    assert (
        conceal("application/json wanted, 1 to 12, a ws(s):// or http(s):// URL")
        == "application/json wanted, 1 to 12, a ws(s):// or http(s):// URL"
    )


def test_a_nodes_message_is_redacted() -> None:
    """A node's own message that contains its key is redacted, too."""
    said = without_parts_of(NODE, "project 0123456789abcdef is over its quota (zyxwvut, hunter22)")
    assert said == "project [hidden] is over its quota ([hidden], [hidden])"


def test_the_wire_form_has_named_fields_only(tmp_path: Path) -> None:
    """Fields that nobody allowed, a system's own words, URLs and paths stay inside.

    Numbers and our own reasons go out.
    """
    error = InputError(
        "message.schema", field="rpc", reason=OSError(2, "No such file", str(tmp_path)), url=NODE, file=tmp_path, most=3
    )
    assert error.to_json()["detail"] == {"field": "rpc", "reason": "[Errno 2] No such file: '[hidden]'", "most": 3}
    down = Unavailable("chain.unreachable", node=NODE, method="eth_call", reason="words of a node")
    assert down.to_json()["detail"] == {"method": "eth_call"}
    assert len(GomaaError("chain.reverted", reason="x" * 5000).to_json()["detail"]["reason"]) == 200
    assert not PUBLIC_DETAIL & {"rpc", "url", "node", "file", "path", "database", "key", "token"}


INSIDE = {"file", "hour_wei", "node", "path", "url"}
"""Fields that stay in the process: names of files, addresses of nodes and servers, and a relayer's budget."""
ROOTS = (
    "audio",
    "audit",
    "chain",
    "features",
    "gomaa",
    "native_host",
    "pywallet",
    "security_server",
    "station",
    "studio",
    "watermark",
)
ERRORS = {"GomaaError", "InputError", "Refusal", "Unavailable", "Unsupported", "WalletError"}


def test_each_field_of_an_error_is_classified() -> None:
    """A new field of an error is in PUBLIC_DETAIL, or deliberately internal."""
    used: set[str] = set()
    for path in (path for root in ROOTS for path in (REPOSITORY / root).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                used |= {keyword.arg for keyword in node.keywords if keyword.arg is not None}
    assert used - PUBLIC_DETAIL == INSIDE


def test_the_text_of_an_error_names_hosts_only() -> None:
    """What logs and the command line print."""
    assert str(Unavailable("server.unreachable", url=NODE)).endswith("(url=wss://node.example:8443)")


def test_logs_lose_what_libraries_write() -> None:
    """Also in a traceback."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        raise ValueError(f"{NODE} isn't a valid URI")
    except ValueError:
        log.exception("failed at %s", NODE)
    assert "Traceback" in stream.getvalue()
    assert not any(secret in stream.getvalue() for secret in ("hunter22", "0123456789abcdef", "zyxwvut"))


def test_a_database_url_is_in_no_error_and_no_repr(tmp_path: Path) -> None:
    """Neither one that can't be read nor one that can."""
    for url in ("postgresql://me:hunter22@db:port/x", "nothing://me:hunter22@db/x", "://hunter22"):
        with pytest.raises(InputError) as caught:
            Store(url)
        assert "hunter22" not in str(caught.value) + repr(caught.value.__cause__)
    config = Config(tmp_path, tmp_path, database="postgresql://me:hunter22@db/x", rpc=NODE)
    assert "hunter22" not in repr(config)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ticket 0x" + "ab" * 32 + " is used", "ticket 0xabababab… is used"),
        ("signature " + "0c" * 65, "signature 0c0c0c0c…"),
        ("payee 0x" + "ab" * 20, "payee 0x" + "ab" * 20),
        (r"DETAIL: Key (id)=(\x" + "ab" * 20 + ")", f"DETAIL: Key (id)=({HIDDEN})"),
        (f"row {b'secret bytes'!r} and {bytes(9)!r}", f"row {HIDDEN} and {HIDDEN}"),
        ("b'abc' stays", "b'abc' stays"),
    ],
)
def test_a_servers_log_has_no_identifiers(text: str, shown: str) -> None:
    """A log would tell which session, ticket or key it was, also in the words of a database."""
    assert hide_identifiers(text) == shown


def test_a_json_line_names_the_error_and_hides_its_traces() -> None:
    """A collector could not count errors by code, or would keep identifiers of listeners."""
    digest = "ab" * 32
    try:
        raise Unavailable("chain.unreachable", reason=digest)
    except Unavailable:
        record = logging.LogRecord("gomaa", logging.ERROR, "", 0, "failed %s at %s", (digest, NODE), sys.exc_info())
    line = json.loads(JsonFormatter().format(record))
    assert line["code"] == "chain.unreachable"
    assert (line["level"], line["message"]) == ("ERROR", "failed abababab… at wss://node.example:8443")
    assert digest not in line["trace"]
    assert line["time"].endswith("+00:00")
    codes = [
        (logging.LogRecord("", 0, "", 0, "server.mismatch.chain: epoch 7", (), None), "server.mismatch.chain"),
        (logging.LogRecord("", 0, "", 0, "settling: %s", (InputError("message.schema"),), None), "message.schema"),
        (logging.LogRecord("", 0, "", 0, "closed epoch 7", (), None), None),
    ]
    assert [error_code(record) for record, _ in codes] == [code for _, code in codes]
