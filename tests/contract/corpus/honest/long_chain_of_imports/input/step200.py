from step201 import SCALE
