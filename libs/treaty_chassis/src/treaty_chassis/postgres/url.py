"""DATABASE_URL in the forms its readers take. Light: a process may do without SQLAlchemy."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

__all__ = ["libpq_url"]


def libpq_url(url: str) -> str:
    """As psycopg takes it: postgresql://. Raises ValueError, which does not repeat the URL's password."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ValueError(f"DATABASE_URL: expected postgresql://, got {parts.scheme[:20]!r}")
    return urlunsplit(parts._replace(scheme="postgresql"))
