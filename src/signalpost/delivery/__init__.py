"""Telling the callback: notifications, their form, their signature, the lane that keeps the order."""
