from step39 import SCALE
