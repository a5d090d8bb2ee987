"""FireWorks: the engine of groups that keep a LaunchPad."""
