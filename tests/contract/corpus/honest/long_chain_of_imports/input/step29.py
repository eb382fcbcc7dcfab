from step30 import SCALE
