from step32 import SCALE
