from step53 import SCALE
