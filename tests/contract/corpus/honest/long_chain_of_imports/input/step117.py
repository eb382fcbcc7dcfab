from step118 import SCALE
