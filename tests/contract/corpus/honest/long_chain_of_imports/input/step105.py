from step106 import SCALE
