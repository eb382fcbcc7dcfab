from step7 import SCALE
