from step87 import SCALE
