from step122 import SCALE
