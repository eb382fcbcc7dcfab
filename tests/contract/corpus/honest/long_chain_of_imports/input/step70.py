from step71 import SCALE
