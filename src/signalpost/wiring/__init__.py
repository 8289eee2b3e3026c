"""The composition root: builds the parts from the settings and joins them. The only room that knows every part.

The whole is ``service``; a command beside it imports what it needs alone, and so starts in half the time.
"""
