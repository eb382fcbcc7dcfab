from step124 import SCALE
