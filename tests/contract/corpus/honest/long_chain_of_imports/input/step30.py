from step31 import SCALE
