from step229 import SCALE
