from step228 import SCALE
