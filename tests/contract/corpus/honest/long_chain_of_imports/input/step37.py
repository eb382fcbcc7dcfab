from step38 import SCALE
