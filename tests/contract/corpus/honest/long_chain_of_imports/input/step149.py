from step150 import SCALE
