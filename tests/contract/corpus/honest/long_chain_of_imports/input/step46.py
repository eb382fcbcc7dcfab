from step47 import SCALE
