from step41 import SCALE
