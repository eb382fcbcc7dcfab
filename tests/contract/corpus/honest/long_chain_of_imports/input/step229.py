from step230 import SCALE
