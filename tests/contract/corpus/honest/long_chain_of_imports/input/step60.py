from step61 import SCALE
