from step3 import SCALE
