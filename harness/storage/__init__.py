"""Files that outlive a process: keys, artifacts, rows, run folders."""
