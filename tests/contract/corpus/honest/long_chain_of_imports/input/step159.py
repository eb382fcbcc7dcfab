from step160 import SCALE
