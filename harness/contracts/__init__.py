"""What a plugin must be: protocols for behaviour, frozen records for data.

Every protocol is as small as its job allows. What only some plugins can do is a protocol of its
own (`Configurable`, `Rewrites`, `SharesGraph`), looked for with `isinstance`.
"""
