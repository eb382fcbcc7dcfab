from step164 import SCALE
