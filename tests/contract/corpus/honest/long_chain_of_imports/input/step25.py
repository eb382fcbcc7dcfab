from step26 import SCALE
