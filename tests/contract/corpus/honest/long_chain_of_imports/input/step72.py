from step73 import SCALE
