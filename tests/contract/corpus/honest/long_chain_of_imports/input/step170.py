from step171 import SCALE
