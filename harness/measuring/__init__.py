"""Times, memory and the backends' own accuracy of snapshots, and the columns of their rows."""
