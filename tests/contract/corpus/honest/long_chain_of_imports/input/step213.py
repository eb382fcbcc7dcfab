from step214 import SCALE
