from step125 import SCALE
