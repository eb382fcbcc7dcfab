import socket
def connect():
    return socket.socket()
