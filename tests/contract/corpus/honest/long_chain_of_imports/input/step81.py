from step82 import SCALE
