from step75 import SCALE
