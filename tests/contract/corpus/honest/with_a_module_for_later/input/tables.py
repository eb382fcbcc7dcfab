NAMES = {1: 'one'}
