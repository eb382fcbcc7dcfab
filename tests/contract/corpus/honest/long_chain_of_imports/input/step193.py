from step194 import SCALE
