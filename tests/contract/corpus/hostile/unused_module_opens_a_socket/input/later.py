import socket
def call():
    return socket.socket()
