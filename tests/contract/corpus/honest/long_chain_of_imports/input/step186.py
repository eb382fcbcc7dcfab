from step187 import SCALE
