from step154 import SCALE
