from step93 import SCALE
