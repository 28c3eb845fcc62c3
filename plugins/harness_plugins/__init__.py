"""The plugins that come with the harness, found through the entry-point group as any other."""
