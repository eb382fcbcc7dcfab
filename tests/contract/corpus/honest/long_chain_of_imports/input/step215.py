from step216 import SCALE
