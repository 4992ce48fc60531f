"""Publish files to WeChat CloudBase static hosting with Django."""

__version__ = "0.1.0"
