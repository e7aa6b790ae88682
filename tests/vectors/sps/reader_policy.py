"""Policies, by the second reader."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.sps.reader_encoding import plain, require
from tests.vectors.sps.reader_fields import POLICY

POLICY_FIELDS: Final = [
    "permissions",
    "counts",
    "ttl_s",
    "not_before_s",
    "expires_s",
    "start_by_s",
    "metered_s",
    "preview_s",
    "key_epoch_s",
    "part",
    "stations",
    "territories",
    "purposes",
    "devices",
    "concurrent",
    "price",
    "listener",
    "lease",
    "renewal",
    "tracking",
    "self_destruct",
    "hold",
    "child",
    "crit",
]


def read_policy(data: bytes) -> dict[str, Any]:
    """Return the map of a policy."""
    value = plain(data)
    policy(value, 0)
    return value


def policy(value: Any, generation: int) -> None:
    """Check one policy: crit, then the CDDL schema, then what CDDL cannot express."""
    code = "policy.malformed"
    require(type(value) is dict, code)
    crit = value.get("crit", [])
    require(texts_once(crit), code)
    require(all(name in POLICY_FIELDS for name in crit), "sps.header.critical")
    child = value.get("child")
    require(POLICY({name: item for name, item in value.items() if name != "child"}), code)
    lists = ("permissions", "stations", "territories", "purposes", "self_destruct")
    require(all(texts_once(value.get(name, [])) for name in lists), code)
    for action, count in value.get("counts", {}).items():
        unit = count.get("unit", "start")
        require(unit == "start" or action in ("play", "preview", "live_join"), code)
        require((unit == "timed") == ("after_s" in count), code)
        require(unit in ("start", "timed") or not {"per_s", "within_s"} & count.keys(), code)
    price, part, renewal = value["price"], value.get("part", {}), value.get("renewal")
    require(max(price["owner"], price["reward"]) < 1 << 96, code)
    require(price.get("payer") != "nobody" or price["owner"] == price["reward"] == 0, code)
    require("to_s" not in part or part["to_s"] > part.get("from_s", 0), code)
    require(renewal is None or renewal["retry_s"] <= renewal["every_s"], code)
    require("preview_s" not in value or "preview" in value["permissions"], code)
    if "child" in value:
        require(generation < 4 and "transfer" in value["permissions"], code)
        policy(child, generation + 1)


def texts_once(values: Any) -> bool:
    """Return whether a value is a list of at most 256 distinct texts of 1 to 253 characters."""
    good = (
        type(values) is list
        and len(values) <= 256
        and all(type(value) is str and 1 <= len(value) <= 253 for value in values)
    )
    return good and len(set(values)) == len(values)
