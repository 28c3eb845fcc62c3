"""Converters that several backends load the files of; each imports its libraries when it is used."""
