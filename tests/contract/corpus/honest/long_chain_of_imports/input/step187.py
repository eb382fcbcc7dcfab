from step188 import SCALE
