"""Speed: this service beside what people usually write, under load and under overload."""
