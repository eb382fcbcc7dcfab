from step67 import SCALE
