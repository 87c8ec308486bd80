"""Delivery: how what is stored in a room reaches everybody in it, in order, each once. See `rooms.hub.hub`."""

from rooms.hub.hub import Hub
from rooms.hub.member import Member, RoomRestarted
from rooms.hub.seat import NEWEST, Seat

__all__ = ["NEWEST", "Hub", "Member", "RoomRestarted", "Seat"]
