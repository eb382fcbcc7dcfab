from step36 import SCALE
