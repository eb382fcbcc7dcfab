from step203 import SCALE
