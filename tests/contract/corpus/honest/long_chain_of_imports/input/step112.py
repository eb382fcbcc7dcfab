from step113 import SCALE
