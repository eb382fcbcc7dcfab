from step24 import SCALE
