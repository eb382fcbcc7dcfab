from step155 import SCALE
