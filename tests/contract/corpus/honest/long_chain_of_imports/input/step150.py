from step151 import SCALE
