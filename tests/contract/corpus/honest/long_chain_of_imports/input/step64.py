from step65 import SCALE
