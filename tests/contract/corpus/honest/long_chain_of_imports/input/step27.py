from step28 import SCALE
