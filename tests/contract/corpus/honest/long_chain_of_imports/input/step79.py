from step80 import SCALE
