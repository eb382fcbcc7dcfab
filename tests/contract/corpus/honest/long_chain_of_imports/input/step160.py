from step161 import SCALE
