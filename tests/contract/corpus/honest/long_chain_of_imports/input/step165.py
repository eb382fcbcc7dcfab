from step166 import SCALE
