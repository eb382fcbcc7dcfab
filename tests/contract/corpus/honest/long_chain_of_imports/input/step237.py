from step238 import SCALE
