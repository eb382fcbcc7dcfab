from step200 import SCALE
