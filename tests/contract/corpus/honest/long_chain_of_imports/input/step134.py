from step135 import SCALE
