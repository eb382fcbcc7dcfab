from step139 import SCALE
