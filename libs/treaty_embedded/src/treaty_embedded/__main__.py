"""`python -m treaty_embedded fetch` fetches the jars that are missing; `... lock` renews kafka.lock."""

from __future__ import annotations

import sys

from treaty_embedded.errors import JarError
from treaty_embedded.jars import cache_dir, fetch, locked, write_lock


def main(arguments: list[str]) -> None:
    match arguments:
        case ["fetch"]:
            cache = cache_dir()
            fetched = fetch(cache)
            print(f"{len(locked())} jars in {cache}, {fetched} fetched")
        case ["lock"]:
            write_lock()
            print(f"{len(locked())} jars locked")
        case _:
            sys.exit("usage: python -m treaty_embedded fetch|lock")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except JarError as error:
        sys.exit(str(error))
