from step177 import SCALE
