from step226 import SCALE
