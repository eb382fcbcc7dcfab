from step220 import SCALE
