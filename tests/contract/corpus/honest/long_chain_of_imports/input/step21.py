from step22 import SCALE
