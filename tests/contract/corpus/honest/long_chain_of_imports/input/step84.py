from step85 import SCALE
