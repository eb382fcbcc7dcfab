from step91 import SCALE
