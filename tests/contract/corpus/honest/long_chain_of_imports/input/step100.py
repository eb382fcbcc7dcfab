from step101 import SCALE
