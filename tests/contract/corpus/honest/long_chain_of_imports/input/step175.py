from step176 import SCALE
