from step207 import SCALE
