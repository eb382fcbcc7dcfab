from step249 import SCALE
