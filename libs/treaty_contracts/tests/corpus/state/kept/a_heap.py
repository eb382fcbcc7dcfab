import heapq

H = []


def decode(payload: bytes) -> dict:
    heapq.heappush(H, 1)
    return {"n": len(payload)}
