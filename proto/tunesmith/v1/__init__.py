"""The Tunesmith contracts: .proto files, and the Python stubs generated from them by proto/generate.py."""
