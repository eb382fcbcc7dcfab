from step131 import SCALE
