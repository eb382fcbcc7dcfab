from step78 import SCALE
