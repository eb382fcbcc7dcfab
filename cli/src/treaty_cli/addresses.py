"""Addresses that the environment names: what can be none is said in one line, before anything is asked."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["AddressError", "web_url"]


class AddressError(ValueError):
    """The message names the setting, and repeats no password."""


def web_url(setting: str, url: str) -> str:
    """`url` as it is. Raises AddressError where no service of the platform can answer there."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and not set(url) & set(" \t\r\n")
        # Asked for what it raises where there is none.
        _ = parts.port
    except ValueError as error:
        raise AddressError(f"{setting} is no URL: {error}; expected http://host:port") from None
    if not whole:
        raise AddressError(
            f"{setting} is no URL of a service: expected http://host:port, got {_shown(url)!r}"
        )
    return url


def _shown(url: str) -> str:
    """Without what stands before an @."""
    _, at, after = url.rpartition("@")
    return (f"...@{after}" if at else url)[:100]
