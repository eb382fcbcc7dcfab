from step86 import SCALE
