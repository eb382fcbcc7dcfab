from step219 import SCALE
