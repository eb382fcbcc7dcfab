from step141 import SCALE
