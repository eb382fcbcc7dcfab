from step158 import SCALE
