from step95 import SCALE
