from step51 import SCALE
