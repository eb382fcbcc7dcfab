from step242 import SCALE
