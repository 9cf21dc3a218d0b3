"""The review pages: server-rendered, in Chinese, with nothing from the internet."""
