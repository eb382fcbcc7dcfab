from step79 import SCALE
