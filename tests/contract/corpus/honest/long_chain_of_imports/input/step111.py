from step112 import SCALE
