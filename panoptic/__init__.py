"""The science of panoptic: one room per noun of the domain."""

__version__ = "0.1.0"
