"""A backend that every machine has, for the kit to check, and for broken ones to start from."""


class Processor:
    """Runs PyTorch's own model."""

    name = "processor"

    def unavailable(self):
        return None

    def describe(self):
        return {"device": "a processor", "runtime": "PyTorch"}

    def prepare(self, model, example):
        return model
