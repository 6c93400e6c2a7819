"""A STUN server (RFC 8489) in few lines: it answers each Binding request with where it came from, over UDP.

As a server of a Hairpin scenario it needs two words of its environment: HAIRPIN_ADDRESSES, where it is, and
HAIRPIN_PORT.
"""
import os
import socket
import struct

MAGIC = 0x2112a442
BINDING_REQUEST, BINDING_SUCCESS = 0x0001, 0x0101
MAPPED_ADDRESS, XOR_MAPPED_ADDRESS = 0x0001, 0x0020


def answer(request, source):
    """The response to a Binding request, or nothing to anything else."""
    if len(request) < 20:
        return None
    kind, length, magic = struct.unpack("!HHI", request[:8])
    if kind != BINDING_REQUEST or length != len(request) - 20:
        return None
    address = socket.inet_pton(socket.AF_INET6 if ":" in source[0] else socket.AF_INET, source[0])
    port, name, transaction = source[1], MAPPED_ADDRESS, request[4:20]
    if magic == MAGIC:  # without the cookie it is a client of RFC 3489, as libnice is when it gathers
        port, name = port ^ MAGIC >> 16, XOR_MAPPED_ADDRESS
        address = bytes(a ^ b for a, b in zip(address, transaction))
    value = struct.pack("!BBH", 0, 1 if len(address) == 4 else 2, port) + address
    attribute = struct.pack("!HH", name, len(value)) + value
    return struct.pack("!HH", BINDING_SUCCESS, len(attribute)) + transaction + attribute


def main():
    address = os.environ["HAIRPIN_ADDRESSES"].split(",")[0]
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(os.environ["HAIRPIN_PORT"])))
    while True:
        request, source = server.recvfrom(2048)
        response = answer(request, source)
        if response is not None:
            server.sendto(response, source[:2])


main()
