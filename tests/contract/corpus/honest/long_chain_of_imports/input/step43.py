from step44 import SCALE
