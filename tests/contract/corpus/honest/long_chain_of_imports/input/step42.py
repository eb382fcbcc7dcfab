from step43 import SCALE
