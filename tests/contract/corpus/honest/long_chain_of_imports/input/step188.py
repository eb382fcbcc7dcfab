from step189 import SCALE
