from step143 import SCALE
