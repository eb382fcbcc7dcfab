from step29 import SCALE
