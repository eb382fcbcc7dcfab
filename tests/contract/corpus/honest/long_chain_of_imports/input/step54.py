from step55 import SCALE
