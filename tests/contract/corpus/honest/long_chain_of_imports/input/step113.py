from step114 import SCALE
