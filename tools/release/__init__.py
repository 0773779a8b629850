"""What a release is made with: versions, proofs, the index, the platform."""
