"""Times, memory and the backends' own accuracy of snapshots."""
