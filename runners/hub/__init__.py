"""Results as a dataset repository of the Hugging Face hub: what leaves, what comes."""
