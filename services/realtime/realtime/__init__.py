"""The realtime service: chat rooms over WebSockets, as Channels consumers behind daphne."""
