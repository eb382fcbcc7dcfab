from step224 import SCALE
