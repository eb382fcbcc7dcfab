from step12 import SCALE
