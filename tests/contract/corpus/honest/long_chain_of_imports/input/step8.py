from step9 import SCALE
