from step138 import SCALE
