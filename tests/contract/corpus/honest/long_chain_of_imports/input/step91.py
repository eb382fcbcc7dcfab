from step92 import SCALE
