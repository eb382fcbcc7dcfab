from step223 import SCALE
