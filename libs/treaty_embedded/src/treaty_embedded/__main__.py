"""`python -m treaty_embedded fetch` fetches the jars that are missing and prepares the broker's start;
`... lock` renews kafka.lock."""

from __future__ import annotations

import sys

from treaty_embedded.errors import JarError
from treaty_embedded.jars import cache_dir, fetch, locked, write_lock
from treaty_embedded.training import train


def main(arguments: list[str]) -> None:
    match arguments:
        case ["fetch"]:
            cache = cache_dir()
            fetched = fetch(cache)
            print(f"{len(locked())} jars in {cache}, {fetched} fetched")
            if (reason := train()) is not None:
                print(f"the broker was not prepared ahead of time, and starts all the same, slower: {reason}")
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
