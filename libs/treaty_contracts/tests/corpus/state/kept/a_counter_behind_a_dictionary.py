import collections
import itertools

D = collections.defaultdict(itertools.count().__next__)


def decode(payload: bytes) -> dict:
    D[payload]
    return {"n": len(payload)}
