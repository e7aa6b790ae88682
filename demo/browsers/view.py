"""Common interface of browsers for tests and the scripted fan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from demo.waiting import TIMEOUT_S


class View(ABC):
    """One document: a tab's page or the player's frame. Clicks and keys are real input, trusted by the page."""

    @abstractmethod
    def click_once(self, css: str) -> None:
        """Wait for the element, then click it."""

    def click(self, css: str) -> None:
        """Click as a person does: once it is there and awake."""
        self.wait(f"{css}:not([disabled])")
        self.click_once(css)

    @abstractmethod
    def fill(self, css: str, text: str) -> None:
        """Replace the text of a field."""

    @abstractmethod
    def press(self, css: str, key: str) -> None:
        """Press a key (a DOM key name such as ``ArrowRight``) on the element."""

    @abstractmethod
    def wait(self, css: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for a visible element that matches. Raises TimeoutError."""

    @abstractmethod
    def until(self, script: str, timeout_s: float = TIMEOUT_S) -> Any:
        """Wait until a JavaScript expression is truthy in this document; return its value."""

    @abstractmethod
    def run(self, script: str) -> Any:
        """The JSON value of a JavaScript expression in this document."""

    @abstractmethod
    def run_async(self, function: str, argument: str) -> Any:
        """The JSON value that an asynchronous JavaScript function resolves with in this document."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """A picture of the whole tab."""

    @abstractmethod
    def close(self) -> None:
        """Close the tab."""

    def text(self, css: str) -> str:
        """The visible text of the first match, or an empty text."""
        return str(self.run(f"(document.querySelector({css!r})?.innerText ?? '').trim()"))

    def exists(self, css: str) -> bool:
        """Return whether something matches now."""
        return bool(self.run(f"!!document.querySelector({css!r})"))


class Browser(ABC):
    """A running browser with the extension installed."""

    name: str
    version: str

    @abstractmethod
    def tab(self, url: str) -> View:
        """A new tab at a web address."""

    @abstractmethod
    def extension_tab(self, path: str) -> View:
        """A new tab at a page of the extension, such as ``popup/popup.html``."""

    @abstractmethod
    def player(self, page: View, timeout_s: float = TIMEOUT_S) -> View:
        """The player's frame in a page that shows an ``<sps-player>``."""

    @abstractmethod
    def window(self, path: str, timeout_s: float = TIMEOUT_S) -> View:
        """A window that the extension opened by itself, such as ``approve/approve.html``."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """The size of the view in CSS pixels."""

    @abstractmethod
    def colours(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""

    @abstractmethod
    def alive(self) -> bool:
        """Return whether the browser still runs."""
