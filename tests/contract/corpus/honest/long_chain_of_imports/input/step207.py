from step208 import SCALE
