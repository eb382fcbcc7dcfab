from step239 import SCALE
