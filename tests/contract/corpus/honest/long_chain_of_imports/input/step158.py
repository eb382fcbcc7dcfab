from step159 import SCALE
