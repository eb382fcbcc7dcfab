from step90 import SCALE
