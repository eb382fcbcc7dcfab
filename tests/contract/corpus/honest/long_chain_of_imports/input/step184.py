from step185 import SCALE
