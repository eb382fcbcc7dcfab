from step250 import SCALE
