from step181 import SCALE
