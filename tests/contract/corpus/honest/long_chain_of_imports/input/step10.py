from step11 import SCALE
