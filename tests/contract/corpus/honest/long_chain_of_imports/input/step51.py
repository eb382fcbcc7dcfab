from step52 import SCALE
