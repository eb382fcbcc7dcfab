from step8 import SCALE
