from step205 import SCALE
