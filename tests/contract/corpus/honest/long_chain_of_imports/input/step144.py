from step145 import SCALE
