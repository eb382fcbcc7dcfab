from step227 import SCALE
