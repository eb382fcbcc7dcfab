from step152 import SCALE
