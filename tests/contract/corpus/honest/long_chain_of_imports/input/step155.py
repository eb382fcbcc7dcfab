from step156 import SCALE
