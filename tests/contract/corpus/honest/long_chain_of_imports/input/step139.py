from step140 import SCALE
