from step121 import SCALE
