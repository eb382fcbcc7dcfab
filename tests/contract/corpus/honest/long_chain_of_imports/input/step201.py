from step202 import SCALE
