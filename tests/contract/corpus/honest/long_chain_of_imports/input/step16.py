from step17 import SCALE
