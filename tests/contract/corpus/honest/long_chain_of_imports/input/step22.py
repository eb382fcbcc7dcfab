from step23 import SCALE
