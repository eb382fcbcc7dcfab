import plugin
def take_over():
    plugin.decode = lambda payload, port: {'owned': True}
