from step212 import SCALE
