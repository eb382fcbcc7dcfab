from step37 import SCALE
