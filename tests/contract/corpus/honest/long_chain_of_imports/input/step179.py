from step180 import SCALE
