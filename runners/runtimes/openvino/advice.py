"""Advice for a missing OpenVINO; used in several places."""

MISSING = "openvino-genai is not installed: in the checkout: python tools/install.py openvino"
