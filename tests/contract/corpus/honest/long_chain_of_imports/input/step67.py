from step68 import SCALE
