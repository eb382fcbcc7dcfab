from step168 import SCALE
