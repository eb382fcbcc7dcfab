from step128 import SCALE
