"""What people usually write to serve such a model, as programs of their own.

They know nothing of this project: some run in environments in which it is not installed.
"""
