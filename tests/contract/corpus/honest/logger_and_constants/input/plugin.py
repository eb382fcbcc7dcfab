import logging
import re
import struct
LOG = logging.getLogger(__name__)
LOG.addHandler(logging.NullHandler())
HEAD = struct.Struct('>BhH')
WORD = re.compile(rb'[a-z]+')
__version__ = '1.2.0'
def decode(payload: bytes, port: int) -> dict:
    if len(payload) < HEAD.size:
        LOG.warning('short payload: %d bytes', len(payload))
        raise ValueError('short')
    kind, temperature, battery = HEAD.unpack_from(payload)
    return {'kind': kind, 'temperature': temperature / 10, 'battery': battery, 'words': len(WORD.findall(payload))}
