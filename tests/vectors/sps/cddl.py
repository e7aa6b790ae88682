"""Just enough of CDDL (RFC 8610) to hold decoded CBOR against docs/format/*.cddl.

What those files use and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Check = Callable[[Any], bool]
_TOKEN = re.compile(
    r'\s+|;[^\n]*|("[^"]*"|-?\d+\.\.-?\d+|\d*\*\d*(?=\s)|-?\d+|=>|\.size|\.regexp|[A-Za-z_][\w-]*|[][{}():,=/?])'
)
_PLAIN: dict[str, Check] = {
    "any": lambda value: True,
    "uint": lambda value: type(value) is int and 0 <= value < 1 << 64,
    "biguint": lambda value: type(value) is int and value >= 1 << 64,
    "tstr": lambda value: type(value) is str,
    "bstr": lambda value: type(value) is bytes,
    "true": lambda value: value is True,
    "bool": lambda value: type(value) is bool,
    "null": lambda value: value is None,
}


class Schema:
    """The rules of some files."""

    def __init__(self, *files: Path) -> None:
        self.rules: dict[str, Check] = {}
        self.tokens: list[str] = []
        for file in files:
            self.tokens += _tokens(file.read_text())
        self.at = 0
        while self.at < len(self.tokens):
            name = self._next()
            self._expect("=")
            self.rules[name] = self._type()

    def matches(self, rule: str, value: Any) -> bool:
        """Return whether ``value`` is what ``rule`` describes."""
        return self.rules[rule](value)

    def _peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise ValueError(f"{token} expected, not {found}, before {self.tokens[self.at : self.at + 5]}")

    def _type(self) -> Check:
        choices = [self._primary()]
        while self._peek() == "/":
            self.at += 1
            choices.append(self._primary())
        return choices[0] if len(choices) == 1 else lambda value: any(check(value) for check in choices)

    def _primary(self) -> Check:
        token = self._next()
        if token == "{":
            return self._map()
        if token == "[":
            return self._array()
        if token == "(":
            inner = self._type()
            self._expect(")")
            return inner
        if token.startswith('"'):
            return lambda value: type(value) is str and value == token[1:-1]
        if ".." in token or token.lstrip("-").isdigit():
            low, high = _range(token)
            return lambda value: type(value) is int and low <= value <= high
        if self._peek() == ".size":
            self.at += 1
            return self._sized(_PLAIN[token])
        if self._peek() == ".regexp":
            self.at += 1
            pattern = re.compile(self._next()[1:-1])
            return lambda value: type(value) is str and bool(pattern.fullmatch(value))
        return _PLAIN[token] if token in _PLAIN else lambda value: self.rules[token](value)

    def _sized(self, plain: Check) -> Check:
        bracket = self._peek() == "("
        self.at += bracket
        low, high = _range(self._next())
        if bracket:
            self._expect(")")
        return lambda value: plain(value) and low <= len(value.encode() if isinstance(value, str) else value) <= high

    def _occurrence(self) -> tuple[int, int]:
        token = self._peek()
        if token == "?":
            self.at += 1
            return 0, 1
        if "*" in token and not token.startswith('"'):
            self.at += 1
            low, _, high = token.partition("*")
            return int(low or 0), int(high or 1 << 62)
        return 1, 1

    def _map(self) -> Check:
        members: dict[str, tuple[int, Check]] = {}
        others: list[tuple[Check, Check]] = []
        while self._peek() != "}":
            least, _ = self._occurrence()
            if self._peek(1) == ":":
                name = self._next()
                self.at += 1
                members[name] = least, self._type()
            else:
                key = self._primary()
                self._expect("=>")
                others.append((key, self._type()))
            self.at += self._peek() == ","
        self.at += 1

        def check(value: Any) -> bool:
            if type(value) is not dict or any(least and name not in value for name, (least, _) in members.items()):
                return False
            return all(
                members[key][1](item) if key in members else any(k(key) and v(item) for k, v in others)
                for key, item in value.items()
            )

        return check

    def _array(self) -> Check:
        entries: list[tuple[int, int, Check]] = []
        while self._peek() != "]":
            least, most = self._occurrence()
            if self._peek(1) == ":":
                self.at += 2
            entries.append((least, most, self._type()))
            self.at += self._peek() == ","
        self.at += 1

        def check(value: Any) -> bool:
            # Enough here: either fixed entries, or one kind of entry repeated.
            if type(value) is not list:
                return False
            if len(entries) == 1 and entries[0][:2] != (1, 1):
                least, most, each = entries[0]
                return least <= len(value) <= most and all(map(each, value))
            return len(value) == len(entries) and all(
                each(item) for (_, _, each), item in zip(entries, value, strict=True)
            )

        return check


def _range(token: str) -> tuple[int, int]:
    low, _, high = token.partition("..")
    return int(low), int(high or low)


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise ValueError(f"not in this subset of CDDL: {text[at : at + 40]!r}")
        at = match.end()
        if match[1]:
            yield match[1]
