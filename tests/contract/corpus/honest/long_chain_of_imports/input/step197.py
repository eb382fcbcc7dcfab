from step198 import SCALE
