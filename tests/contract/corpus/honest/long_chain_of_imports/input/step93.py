from step94 import SCALE
