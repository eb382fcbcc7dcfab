def _crc_table() -> list:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
        table.append(value)
    return table
_TABLE = _crc_table()
assert len(_TABLE) == 256
def decode(payload: bytes, port: int) -> dict:
    crc = 0xFFFF
    for byte in payload:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return {'crc': crc}
