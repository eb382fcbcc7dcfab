from step16 import SCALE
