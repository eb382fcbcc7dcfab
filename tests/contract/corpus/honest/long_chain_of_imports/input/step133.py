from step134 import SCALE
