from step133 import SCALE
