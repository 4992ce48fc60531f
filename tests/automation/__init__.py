"""What automation/ does on each CI system, on the emulator."""
