from step107 import SCALE
