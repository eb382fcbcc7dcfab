from step137 import SCALE
