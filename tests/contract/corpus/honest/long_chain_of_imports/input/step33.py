from step34 import SCALE
