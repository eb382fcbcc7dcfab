from step59 import SCALE
