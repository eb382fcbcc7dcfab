class S:
    def __init__(self):
        self.l = []

    def decode(self, payload):
        self.l.append(1)
        return {}


decode = S().decode
