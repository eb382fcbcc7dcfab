from step13 import SCALE
