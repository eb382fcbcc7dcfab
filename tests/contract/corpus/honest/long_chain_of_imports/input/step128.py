from step129 import SCALE
