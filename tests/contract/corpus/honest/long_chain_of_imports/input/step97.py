from step98 import SCALE
