from step54 import SCALE
