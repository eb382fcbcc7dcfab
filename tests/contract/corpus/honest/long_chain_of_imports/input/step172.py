from step173 import SCALE
