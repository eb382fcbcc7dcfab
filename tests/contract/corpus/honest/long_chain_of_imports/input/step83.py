from step84 import SCALE
