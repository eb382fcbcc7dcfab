from step163 import SCALE
