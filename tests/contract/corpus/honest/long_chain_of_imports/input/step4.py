from step5 import SCALE
