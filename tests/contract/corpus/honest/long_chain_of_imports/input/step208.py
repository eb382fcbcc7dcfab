from step209 import SCALE
