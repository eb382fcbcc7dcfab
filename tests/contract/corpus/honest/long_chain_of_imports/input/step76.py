from step77 import SCALE
