from step248 import SCALE
