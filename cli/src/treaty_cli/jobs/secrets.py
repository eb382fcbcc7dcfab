"""The secrets of an installation that brings none of its own: made once, a folder for each reader."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import quote

from treaty_cli import credentials
from treaty_cli.home import Home, Running

__all__ = ["FOLDERS", "write"]

FOLDERS = ("database", "ingestion", "registry", "tokens")
"""Below the folder of secrets: PostgreSQL's password and the URL with it; the key that unseals; the key that
seals, the development issuer's own and its client's secret; the public keys that tokens and signed
verdicts are checked with."""


def write(home: Home, folder: Path, running: Running, database: str) -> None:
    """Every file that is missing; those that are there stay. `running` is where the parts will answer, as the
    home is told. `database` is postgresql://user@host:port/name, whose URL gets the password; "" where the
    database is another's, with a password of its own."""
    for name in FOLDERS if database else FOLDERS[1:]:
        (folder / name).mkdir(parents=True, exist_ok=True)
    keys = credentials.ensure(home)
    if database:
        _database(home, folder, database)
    for name in ("ingestion", "registry"):
        _kept(home, folder / name / "TREATY_SEALING_KEY", keys.sealing_key)
    _kept(home, folder / "registry/TREATY_DEV_CLIENT_SECRET", keys.client_secret)
    home.write(folder / "registry/issuer.jwk", keys.issuer_key.read_text())
    home.write(folder / "tokens/jwks.json", keys.jwks.read_text())
    home.write(folder / "tokens/verdict-keys.pem", keys.publisher_public.read_text())
    home.remember(running)


def _database(home: Home, folder: Path, database: str) -> None:
    password = _kept(home, folder / "database/POSTGRES_PASSWORD", secrets.token_urlsafe(32))
    # The database's own container reads it, as a user of its own; the folder is for those two alone.
    (folder / "database/POSTGRES_PASSWORD").chmod(0o444)
    user, _, rest = database.removeprefix("postgresql://").partition("@")
    url = f"postgresql://{user}:{quote(password)}@{rest}"
    _kept(home, folder / "database/DATABASE_URL", url)


def _kept(home: Home, path: Path, text: str) -> str:
    if not path.exists():
        home.write(path, text)
    return path.read_text()
