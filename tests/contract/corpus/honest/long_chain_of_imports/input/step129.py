from step130 import SCALE
