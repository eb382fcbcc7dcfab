from step195 import SCALE
