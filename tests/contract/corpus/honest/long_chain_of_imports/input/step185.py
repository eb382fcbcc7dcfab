from step186 import SCALE
