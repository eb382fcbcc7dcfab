from step74 import SCALE
