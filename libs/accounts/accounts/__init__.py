"""Who somebody is: users, sessions, access tokens and one-use WebSocket tickets, all without leaving the event loop."""
