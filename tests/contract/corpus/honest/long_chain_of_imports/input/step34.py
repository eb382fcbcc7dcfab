from step35 import SCALE
