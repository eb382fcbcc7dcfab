from step4 import SCALE
