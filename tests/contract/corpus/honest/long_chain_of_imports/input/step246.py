from step247 import SCALE
