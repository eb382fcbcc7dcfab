from step21 import SCALE
