from step197 import SCALE
