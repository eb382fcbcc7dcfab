from step231 import SCALE
