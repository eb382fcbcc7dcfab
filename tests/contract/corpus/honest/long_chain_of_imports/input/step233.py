from step234 import SCALE
