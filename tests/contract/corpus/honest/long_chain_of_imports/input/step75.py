from step76 import SCALE
