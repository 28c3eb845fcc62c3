"""What a person types: options, their ranges, and files of them."""
