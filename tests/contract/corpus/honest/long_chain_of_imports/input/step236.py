from step237 import SCALE
