from step105 import SCALE
