import base64, binascii, json, math, zlib
from collections import Counter, OrderedDict, namedtuple
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain, islice
Point = namedtuple('Point', 'x y')
EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)
def decode(payload: bytes, port: int) -> dict:
    at = EPOCH + timedelta(seconds=len(payload))
    value = Decimal(len(payload)).quantize(Decimal('0.1'), rounding=ROUND_HALF_UP)
    return OrderedDict(at=at.isoformat(), crc=zlib.crc32(payload), text=base64.b64encode(payload).decode(), hex=binascii.hexlify(payload).decode(), value=float(value), root=math.sqrt(len(payload)), most=Counter(payload).most_common(1), json=json.dumps({'n': len(payload)}), head=list(islice(chain(payload, [0]), 2)), p=Point(1, 2)._asdict())
