from step236 import SCALE
