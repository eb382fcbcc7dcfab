from step20 import SCALE
