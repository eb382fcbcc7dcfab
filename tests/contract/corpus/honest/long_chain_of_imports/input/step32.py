from step33 import SCALE
