from step66 import SCALE
