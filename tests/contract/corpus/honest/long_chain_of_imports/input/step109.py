from step110 import SCALE
