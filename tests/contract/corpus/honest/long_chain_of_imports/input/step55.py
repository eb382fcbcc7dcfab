from step56 import SCALE
