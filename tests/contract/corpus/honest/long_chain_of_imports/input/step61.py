from step62 import SCALE
