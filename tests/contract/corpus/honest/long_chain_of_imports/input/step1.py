from step2 import SCALE
