from step149 import SCALE
