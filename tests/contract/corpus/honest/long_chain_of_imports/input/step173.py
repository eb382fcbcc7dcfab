from step174 import SCALE
