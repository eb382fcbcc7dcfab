from step6 import SCALE
