from step233 import SCALE
