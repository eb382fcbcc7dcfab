from step19 import SCALE
