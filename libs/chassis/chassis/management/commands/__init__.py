"""The commands themselves, where Django finds them."""
