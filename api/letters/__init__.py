"""The pages that the links of our letters lead to: one template, its style and its script."""
