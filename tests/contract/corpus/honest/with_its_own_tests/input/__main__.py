import sys
from plugin import decode
print(decode(bytes.fromhex(sys.argv[1]), 1))
