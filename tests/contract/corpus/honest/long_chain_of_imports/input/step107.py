from step108 import SCALE
