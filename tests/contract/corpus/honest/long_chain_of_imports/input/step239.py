from step240 import SCALE
