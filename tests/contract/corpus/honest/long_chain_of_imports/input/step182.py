from step183 import SCALE
