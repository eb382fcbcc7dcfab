from step100 import SCALE
