from step49 import SCALE
