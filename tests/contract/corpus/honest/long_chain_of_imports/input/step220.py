from step221 import SCALE
