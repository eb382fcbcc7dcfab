from step83 import SCALE
