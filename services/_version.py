"""The version of the package."""

import sys

# Not `import tunesmith`: that is the face of the client, on which nothing here may rest. Python imported it before us.
VERSION: str = sys.modules["tunesmith"].__version__
