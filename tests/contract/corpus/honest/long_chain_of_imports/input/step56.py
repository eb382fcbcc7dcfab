from step57 import SCALE
