from step102 import SCALE
