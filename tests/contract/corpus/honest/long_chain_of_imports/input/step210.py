from step211 import SCALE
