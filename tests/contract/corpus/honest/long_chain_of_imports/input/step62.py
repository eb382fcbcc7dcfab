from step63 import SCALE
