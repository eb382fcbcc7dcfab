from step179 import SCALE
