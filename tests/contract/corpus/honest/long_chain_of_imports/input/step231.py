from step232 import SCALE
