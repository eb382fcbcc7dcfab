from step25 import SCALE
