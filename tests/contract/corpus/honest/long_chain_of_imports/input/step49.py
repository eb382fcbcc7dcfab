from step50 import SCALE
