from step235 import SCALE
