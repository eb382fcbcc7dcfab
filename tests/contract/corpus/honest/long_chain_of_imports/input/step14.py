from step15 import SCALE
