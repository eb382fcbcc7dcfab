from step170 import SCALE
