from step245 import SCALE
