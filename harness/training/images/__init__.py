"""Images: decoded once, transformed, augmented, and looked at before anything is trained on them."""
