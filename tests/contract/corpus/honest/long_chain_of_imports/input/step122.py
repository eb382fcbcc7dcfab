from step123 import SCALE
