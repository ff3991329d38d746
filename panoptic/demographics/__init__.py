"""The statistical questions asked of the companions."""
