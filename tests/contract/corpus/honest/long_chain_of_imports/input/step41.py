from step42 import SCALE
