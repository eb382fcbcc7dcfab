decode = {'payload': 1}
