from step18 import SCALE
