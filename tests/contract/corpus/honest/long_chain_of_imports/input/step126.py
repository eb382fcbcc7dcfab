from step127 import SCALE
