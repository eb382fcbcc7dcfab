from step96 import SCALE
