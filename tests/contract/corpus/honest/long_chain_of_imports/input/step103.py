from step104 import SCALE
