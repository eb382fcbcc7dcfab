from step191 import SCALE
