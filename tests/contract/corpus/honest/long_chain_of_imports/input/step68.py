from step69 import SCALE
