from step70 import SCALE
