from step46 import SCALE
