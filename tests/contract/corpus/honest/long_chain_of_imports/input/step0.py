from step1 import SCALE
