from step109 import SCALE
