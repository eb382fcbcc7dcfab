from step243 import SCALE
